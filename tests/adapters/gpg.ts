import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What one run of a program gave. */
export interface Ran {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A key that was made in a {@link Gpg} home, in each form that a person may hand on. */
export interface Exported {
  readonly fingerprint: string;
  readonly armored: string;
  readonly binary: Uint8Array;
}

/** The real GnuPG with a home folder of its own. */
export interface Gpg {
  readonly home: string;
  /** Runs gpg; a status other than 0 throws with what it said, unless `fails` is set. */
  run(args: readonly string[], options?: { readonly input?: string | Uint8Array; readonly fails?: boolean }): Ran;
  /** Makes keys from the lines of an unattended generation file, and gives back the fingerprint of the primary key. */
  generate(lines: readonly string[], at?: string): string;
  /** Makes a key with `--quick-gen-key`; `at` is the moment that gpg takes for now (`20200101T000000`). */
  quick(userId: string, algorithm: string, usage?: string, expires?: string, at?: string): string;
  /** Adds a subkey and gives back its fingerprint. */
  addSubkey(fingerprint: string, algorithm: string, usage: string, expires?: string, at?: string): string;
  /** The fingerprints of a key: first of the primary key, then of its subkeys. */
  fingerprints(name: string): readonly string[];
  exported(name: string): Exported;
  secret(name: string): string;
  /** What gpg makes of an encrypted message, as text. */
  decrypt(message: string | Uint8Array): string;
  close(): void;
}

const BATCH = ["--batch", "--yes", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""];

/**
 * Starts with an empty home folder; the path is short, because the agent's socket is in it.
 *
 * It throws where gpg is missing, so that tests fail rather than pass without it.
 */
export function openGpg(): Gpg {
  const home = mkdtempSync(join(tmpdir().length < 40 ? tmpdir() : "/tmp", "hg-"));
  writeFileSync(join(home, "gpg-agent.conf"), "allow-loopback-pinentry\n");

  function run(args: readonly string[], options: { input?: string | Uint8Array; fails?: boolean } = {}): Ran {
    const { input, fails = false } = options;
    const done = spawnSync("gpg", ["--homedir", home, ...BATCH, ...args], {
      ...(input === undefined ? {} : { input }),
      maxBuffer: 1 << 26,
    });
    if (done.error !== undefined) throw new Error("gpg cannot be run, and these tests need it", { cause: done.error });
    const ran = { status: done.status ?? -1, stdout: done.stdout, stderr: done.stderr.toString() };
    if (ran.status !== 0 && !fails) throw new Error(`gpg ${args.join(" ")} ended with ${ran.status}: ${ran.stderr}`);
    return ran;
  }

  function created(ran: Ran): string {
    const fingerprint = /KEY_CREATED [PBS] ([0-9A-F]{40})/.exec(ran.stdout.toString())?.[1];
    if (fingerprint === undefined) throw new Error(`gpg made no key: ${ran.stderr}`);
    return fingerprint;
  }

  const clock = (at: string | undefined) => (at === undefined ? [] : ["--faked-system-time", `${at}!`]);

  return {
    home,
    run,
    generate(lines, at) {
      const input = ["%no-protection", ...lines, "%commit", ""].join("\n");
      return created(run([...clock(at), "--status-fd", "1", "--generate-key"], { input }));
    },
    quick(userId, algorithm, usage = "default", expires = "never", at = undefined) {
      return created(run([...clock(at), "--status-fd", "1", "--quick-gen-key", userId, algorithm, usage, expires]));
    },
    addSubkey(fingerprint, algorithm, usage, expires = "never", at = undefined) {
      return created(
        run([...clock(at), "--status-fd", "1", "--quick-add-key", fingerprint, algorithm, usage, expires]),
      );
    },
    fingerprints(name) {
      const listed = run(["--with-colons", "--with-subkey-fingerprint", "--list-keys", name]).stdout.toString();
      return [...listed.matchAll(/^fpr:+([0-9A-F]{40}):/gm)].map(([, fingerprint = ""]) => fingerprint);
    },
    exported(name) {
      return {
        fingerprint: this.fingerprints(name)[0] ?? "",
        armored: run(["--armor", "--export", name]).stdout.toString(),
        binary: new Uint8Array(run(["--export", name]).stdout),
      };
    },
    secret(name) {
      return run(["--armor", "--export-secret-keys", name]).stdout.toString();
    },
    decrypt(message) {
      return run(["--decrypt"], { input: message }).stdout.toString();
    },
    close() {
      spawnSync("gpgconf", ["--homedir", home, "--kill", "all"]);
      rmSync(home, { recursive: true, force: true });
    },
  };
}
