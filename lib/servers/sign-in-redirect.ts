import { trimCharactersAtEnd } from "../core/text.ts";

/** What to do if a proxy redirects to a page where people sign in. */
export const SIGN_IN_HINT =
  "a proxy in front of the server asks people to sign in: pass the header or token that it accepts with --header or --access-token, or use an endpoint that bypasses it";

const SIGN_IN_PATH_PATTERN =
  /[/._-](?:log-?in|sign-?in|sso|saml2?|authorize|auth|accounts)(?:[/._-]|$)|\/oauth2\/start|\/cdn-cgi\/access\//i;

/** Whether a redirect leads to a page where people sign in. A host that is called so may be Hydra itself. */
export function isSignInRedirect(from: string, location: string): boolean {
  if (!URL.canParse(location, from)) return false;
  const to = new URL(location, from);
  const { host, pathname } = new URL(from);
  if (trimCharactersAtEnd(to.pathname, "/") === pathname) return false;
  return SIGN_IN_PATH_PATTERN.test(to.host === host ? to.pathname : `/${to.host}${to.pathname}`);
}
