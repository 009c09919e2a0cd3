/** Whether a URL is one for which servers accept every port: http on a loopback IP address (RFC 8252, 7.3). */
export function allowsAnyPort({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && /^(?:127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** Whether a redirect URI is registered: it is in the list, or differs only by a free port. */
export function isRegisteredRedirect(registered: readonly string[], uri: string): boolean {
  if (registered.includes(uri)) return true;
  if (!URL.canParse(uri)) return false;
  const asked = new URL(uri);
  return registered.some((each) => {
    if (!URL.canParse(each)) return false;
    const own = new URL(each);
    if (!allowsAnyPort(own) || !allowsAnyPort(asked) || own.hostname !== asked.hostname) return false;
    return own.pathname === asked.pathname && own.search === asked.search;
  });
}
