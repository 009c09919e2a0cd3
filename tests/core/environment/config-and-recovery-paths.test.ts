import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { configFilesAndRecoveryFolders } from "../../../lib/core/environment/config-and-recovery-paths.ts";

type Environment = Readonly<Record<string, string>>;

const foldersOf = (platform: string, environment: Environment) =>
  configFilesAndRecoveryFolders(platform, (name) => environment[name]);

describe("configFilesAndRecoveryFolders()", () => {
  const configFiles: readonly (readonly [platform: string, environment: Environment, files: readonly string[]])[] = [
    ["linux", {}, []],
    ["linux", { HOME: "" }, []],
    ["linux", { HOME: "/home/me" }, ["/home/me/.hydra.yaml", "/home/me/.config/hydra/config.yaml"]],
    ["linux", { HOME: "/home/me", XDG_CONFIG_HOME: "/etc/me" }, ["/home/me/.hydra.yaml", "/etc/me/hydra/config.yaml"]],
    [
      "linux",
      { HOME: "/home/me", XDG_CONFIG_HOME: "" },
      ["/home/me/.hydra.yaml", "/home/me/.config/hydra/config.yaml"],
    ],
    ["linux", { HOME: "/home/me", XDG_CONFIG_HOME: "conf" }, ["/home/me/.hydra.yaml"]],
    ["linux", { XDG_CONFIG_HOME: "/etc/me" }, ["/etc/me/hydra/config.yaml"]],
    ["darwin", { HOME: "/Users/me", XDG_CONFIG_HOME: "/etc/me" }, ["/Users/me/.hydra.yaml"]],
    ["freebsd", { HOME: "/home/me" }, ["/home/me/.hydra.yaml"]],
    ["win32", { HOME: "/c/me", XDG_CONFIG_HOME: "/etc/me" }, []],
    [
      "win32",
      { USERPROFILE: "C:\\Users\\me", LOCALAPPDATA: "C:\\Users\\me\\AppData\\Local" },
      ["C:\\Users\\me\\.hydra.yaml", "C:\\Users\\me\\AppData\\Local\\hydra\\config.yaml"],
    ],
  ];
  for (const [platform, environment, files] of configFiles) {
    test(`finds config files on ${platform} with ${JSON.stringify(environment)}`, () => {
      assert.deepEqual(foldersOf(platform, environment).configFiles, files);
    });
  }

  const recoveryFolders: typeof configFiles = [
    ["linux", {}, [".", "/tmp"]],
    ["linux", { XDG_STATE_HOME: "/s", HOME: "/h", TMPDIR: "/t" }, ["/s", "/h", ".", "/t"]],
    ["linux", { XDG_STATE_HOME: "", HOME: "", TMPDIR: "" }, [".", "/tmp"]],
    ["darwin", { HOME: "/h", TMPDIR: "/t" }, ["/h", ".", "/t"]],
    ["win32", { HOME: "/h", TMPDIR: "/t", XDG_STATE_HOME: "/s" }, []],
    ["win32", { TEMP: "T", USERPROFILE: "U", LOCALAPPDATA: "L" }, ["L", "U", "T"]],
  ];
  for (const [platform, environment, folders] of recoveryFolders) {
    test(`finds folders for recovery copies on ${platform} with ${JSON.stringify(environment)}`, () => {
      assert.deepEqual(foldersOf(platform, environment).recoveryFolders, folders);
    });
  }
});
