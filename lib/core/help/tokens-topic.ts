import { codeLinesPart, headingPart, type Topic, termsPart, textPart } from "./topic-parts.ts";

/** Tokens: how to get, inspect and revoke them, and how to test a client. */
export const TOKENS_TOPIC: Topic = {
  name: "tokens",
  title: "Tokens",
  parts: [
    textPart("These commands get, inspect and revoke OAuth 2.0 tokens of clients:"),
    codeLinesPart(
      "hydra clients create --id app -g client_credentials -a read --secret-out app.env",
      "hydra token client --credentials app.env --scope read > token.txt",
      "hydra token introspect --active - < token.txt",
      "hydra token revoke --credentials app.env - < token.txt",
    ),
    textPart(
      "`token client` prints the access token and nothing else. `--format json` prints the server's whole response and the time when",
      "the token expires, as `expires_at` and as `expiry`, the name in Hydra's 2.x CLI.",
      "In 2.x syntax the commands are `perform client-credentials`, `perform authorization-code`, `perform device-code`, `introspect token`,",
      "`revoke token` and `delete access-tokens`.",
    ),
    headingPart("Tokens of a user"),
    codeLinesPart(
      "hydra clients create --id web -g authorization_code,refresh_token -r code \\",
      "  -a openid,offline -c http://127.0.0.1/callback --secret-out web.env",
      "hydra token user --credentials web.env",
    ),
    textPart(
      "`token user` opens the login in the browser and waits until the user has logged in, five minutes by default (`--timeout`). It prints the tokens;",
      "`-q` prints only the access token. Without a browser (`--no-open`, CI, SSH, no display) it prints the URL of the login. On a",
      "terminal, you can paste the URL that the browser was redirected to, even if its page can't be loaded.",
    ),
    textPart(
      "The browser is redirected to a free port on 127.0.0.1. Hydra accepts any port if `http://127.0.0.1/callback` is registered, but not for",
      "`localhost`. `--redirect` and `--port` override this; if the redirect URI is not on this machine, the URL has to be pasted. With the",
      "admin API (`--admin-url` or `HYDRA_ADMIN_URL`), `token user` uses a redirect URI that the client has, and offers to add one",
      "if none fits. With the admin API, a public client needs no `--auth-method none`, and without `--scope` the login only requests those of the",
      "scopes `offline` and `openid` that the client has.",
    ),
    textPart(
      "`token device` shows a code to enter on another device. Hydra has this flow from 25.4 on, and the client needs the grant type",
      "`urn:ietf:params:oauth:grant-type:device_code`.",
    ),
    textPart(
      "Every login uses PKCE with S256, a state and a nonce. The issuer and the ID token with its signature, claims and times are verified",
      "before anything is printed. Not supported: `--https`, `--no-shutdown` and `--skip` of Hydra's own CLI.",
    ),
    headingPart("URLs"),
    termsPart(
      [
        "token client, user, device, revoke",
        "The public port, 4444 by default: `--public-url` or `--endpoint`, `HYDRA_PUBLIC_URL`, `HYDRA_URL`, `ORY_SDK_URL`, `public_url` in the config file",
      ],
      ["token introspect, delete, flush", "The admin port, 4445 by default: `--endpoint`, `HYDRA_ADMIN_URL`"],
      ["token decode", "None; with `--verify`, the public port"],
    ),
    textPart(
      "The endpoints come from the server's discovery document, whose issuer must be the public URL. Endpoints on another origin are not",
      "used; `--token-url`, `--auth-url` and `--device-auth-url` override single endpoints.",
    ),
    headingPart("Credentials"),
    termsPart(
      [
        "--credentials FILE",
        "The file that `--secret-out` wrote: dotenv, JSON or a Kubernetes Secret, with the client ID and the secret",
      ],
      ["--client-secret-file FILE", "A file with only the secret, or standard input with `-`"],
      ["OAUTH2_CLIENT_ID, OAUTH2_CLIENT_SECRET", "From the environment"],
      ["--client-key FILE", "A private key for private_key_jwt, such as the file of `--key-out`"],
      ["--client-secret SECRET", "From the command line, with a warning, because other users can see it"],
    ),
    textPart(
      "Without a secret, the program asks for it on a terminal. A secret is sent by HTTP Basic authentication. If the server says that the",
      "client must use the other method, the request is repeated once. `token revoke` tries both methods, because servers don't report that there.",
      "`--auth-method` sets the method; `none` is for public clients.",
    ),
    headingPart("What is checked"),
    textPart(
      "An inactive token is not an error, unless `--active` is given: then the exit code is 4. `token delete` exits with 4 if there is no",
      "such client; Hydra itself reports success. The exit code is 3 for rejected credentials, and 6 if the login isn't completed in time.",
      "If the ID token is rejected, the other tokens of the same response are revoked.",
    ),
    textPart(
      "`token decode` shows the header and the claims of a JSON Web Token without a server. It verifies the signature only with `--jwks FILE`,",
      "`--jwks-uri URL` or `--verify`. Expired and unsigned tokens are shown with a note.",
    ),
    headingPart("Testing a client"),
    codeLinesPart("hydra clients test web --credentials web.env"),
    textPart(
      "`clients test` (`test oauth2-client` in 2.x syntax) goes through all grant types of a client: discovery, credentials, login and consent,",
      "tokens, refresh, introspection, revocation, logout, and whether the login page responds. The login and the consent are accepted over the",
      "admin API, so no browser is needed, and any redirect URI works: it is never requested. It needs the admin port and `--public-url`.",
    ),
    textPart(
      "Each step passes, fails, warns or is skipped, and shows why. A failed step shows the command line that changes the setting, and the exit",
      "code is 1. A login page that this machine cannot reach is a warning. Without credentials, only the steps that need none are done.",
    ),
    textPart(
      "No real user is affected: the user is a new one, `hydra-test-UUID`, the login is not remembered, and only the tokens of the test are",
      "revoked, even after Ctrl-C. `--subject SUB` logs in as that user instead, with a warning; the admin API allows that.",
    ),
    headingPart("Flushing"),
    textPart(
      "`token flush` exists only in Hydra 1.x. From 2.0 on, use `janitor`, a command of the server's own program.",
    ),
  ],
};
