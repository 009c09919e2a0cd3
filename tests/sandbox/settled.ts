/** Whether a JSON value is an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const MADE_ID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

const MADE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/;

/** Times that nobody's clock made: Go's zero, and the one that a recorded request chose. */
const CHOSEN_TIMES = ["0001-01-01T00:00:00Z", "2020-01-01T00:00:00Z"];

function settledMember(name: string, value: unknown): unknown {
  if (typeof value !== "string" || CHOSEN_TIMES.includes(value)) return value;
  if (name === "created_at" || name === "updated_at") return value.replace(MADE_TIME, "{TIME}");
  if (name === "client_secret") return value.replace(/^[A-Za-z0-9._~-]{26}$/, "{SECRET}");
  if (name === "registration_access_token")
    return value.replace(/[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/, "{SIGNED TOKEN}");
  if (name === "registration_client_uri") return value.replace(/^http:\/\/127\.0\.0\.1:\d+/, "{PUBLIC}");
  return value;
}

/** A value with a name in the place of what differs from run to run, where it has the form that it should have. */
export function settled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(settled);
  if (typeof value === "string") return value.replace(MADE_ID, "{ID}");
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, settled(settledMember(name, member))]),
  );
}

/** The same for a header: page tokens that hold an offset say the same in every run, sealed ones do not. */
export function settledHeader(name: string, value: string): string {
  const text = value.replace(MADE_ID, "{ID}");
  if (name === "location") return text.replace(/^(?:http:\/\/127\.0\.0\.1:\d+|\{PUBLIC\})\/keys\//, "{PUBLIC}/keys/");
  return name === "link" ? text.replace(/page_token=(?!eyJ)[A-Za-z0-9_%-]+/g, "page_token={TOKEN}") : text;
}
