import { isJsonObject, parseJsonOrUndefined } from "./json.ts";
import { Problem } from "./problem.ts";

/** Where Hydra reports that it is alive, on its admin port and on its public port. */
export const HEALTH_PATH = "/health/alive";

/** Whether a server that lacks what every public port has is Hydra's admin port: whether it answers that it is alive. */
export async function answersAsAdminPort(
  fetchHealth: () => Promise<{ readonly status: number; readonly text: string }>,
): Promise<boolean> {
  try {
    const { status, text } = await fetchHealth();
    const value = parseJsonOrUndefined(text)?.value;
    return status === 200 && isJsonObject(value) && value["status"] === "ok";
  } catch (error) {
    if (error instanceof Problem && error.code !== "interrupted") return false;
    throw error;
  }
}
