/** Where the conventions of an operating system put the program's own files. */
interface ConfigAndRecoveryPaths {
  /** Default config files; the first one that exists is used. */
  readonly configFiles: readonly string[];
  /** Folders for recovery copies, in order of preference. */
  readonly recoveryFolders: readonly string[];
}

/**
 * The conventions of a platform, named as in Node's `process.platform`.
 *
 * Windows has no folder outside the user's profile in its list: a new file gets the access list of its folder, and only
 * the profile's folders keep other users out.
 */
export function configFilesAndRecoveryFolders(
  platform: string,
  environment: (name: string) => string | undefined,
): ConfigAndRecoveryPaths {
  if (platform === "win32") {
    const [profile, local] = [
      asListIfNonEmpty(environment("USERPROFILE")),
      asListIfNonEmpty(environment("LOCALAPPDATA")),
    ];
    return {
      configFiles: [
        ...profile.map((folder) => `${folder}\\.hydra.yaml`),
        ...local.map((folder) => `${folder}\\hydra\\config.yaml`),
      ],
      recoveryFolders: [...local, ...profile, ...asListIfNonEmpty(environment("TEMP"))],
    };
  }
  const home = asListIfNonEmpty(environment("HOME"));
  const [temporary = "/tmp"] = asListIfNonEmpty(environment("TMPDIR"));
  const recoveryFolders = [...asListIfNonEmpty(environment("XDG_STATE_HOME")), ...home, ".", temporary];
  const inHome = home.map((folder) => `${folder}/.hydra.yaml`);
  if (platform !== "linux") return { configFiles: inHome, recoveryFolders };
  const [base = ""] = [
    ...asListIfNonEmpty(environment("XDG_CONFIG_HOME")),
    ...home.map((folder) => `${folder}/.config`),
  ];
  // The XDG specification ignores relative paths; the working folder must not configure the program.
  const inBase = base.startsWith("/") ? [`${base}/hydra/config.yaml`] : [];
  return { configFiles: [...inHome, ...inBase], recoveryFolders };
}

/** A variable that is set and not empty. */
function asListIfNonEmpty(value: string | undefined): readonly string[] {
  return value === undefined || value === "" ? [] : [value];
}
