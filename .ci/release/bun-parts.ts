/** Something that Bun holds, and so the program too. */
interface Part {
  readonly name: string;
  /** What it is under, as an SPDX expression; of several to choose from, the one that is chosen. */
  readonly licence: string;
  readonly source: string;
  /** The key in Bun's own `process.versions` with its version or commit. */
  readonly version?: string;
  /** Whether it is part of Bun on every system, or only on one. */
  readonly only?: "Windows" | "Linux and Windows" | "Linux";
  /** Who holds the copyright, in the words of its own notice; empty if no single place names them. */
  readonly notice: readonly string[];
}

const LITESPEED = "LiteSpeed Technologies Inc";

/**
 * What Bun 1.4.5 holds, by the `LICENSE.md` and the `scripts/build/deps` of its tag. `THIRD-PARTY.md`, the notices in every
 * archive and the bill of materials follow it; when Bun changes, so must this.
 */
export const BUN_PARTS: readonly Part[] = [
  {
    name: "JavaScriptCore and WebKit",
    licence: "LGPL-2.0-only",
    source: "https://github.com/oven-sh/WebKit",
    version: "webkit",
    notice: [],
  },
  {
    name: "TinyCC",
    licence: "LGPL-2.1-only",
    source: "https://github.com/tinycc/tinycc",
    version: "tinycc",
    notice: [],
  },
  {
    name: "base64",
    licence: "BSD-2-Clause",
    source: "https://github.com/aklomp/base64",
    notice: [
      "Copyright (c) 2005-2007, Nick Galbreath",
      "Copyright (c) 2015-2017, Wojciech Mula",
      "Copyright (c) 2016-2017, Matthieu Darbois",
      "Copyright (c) 2013-2022, Alfred Klomp",
    ],
  },
  {
    name: "BoringSSL",
    licence: "Apache-2.0",
    source: "https://boringssl.googlesource.com/boringssl",
    version: "boringssl",
    notice: [],
  },
  {
    name: "brotli",
    licence: "MIT",
    source: "https://github.com/google/brotli",
    notice: ["Copyright (c) 2009, 2010, 2013-2016 by the Brotli Authors."],
  },
  {
    name: "c-ares",
    licence: "MIT",
    source: "https://github.com/c-ares/c-ares",
    version: "ares",
    notice: ["Copyright (c) 2007 - 2023, Daniel Stenberg with many contributors, see AUTHORS file."],
  },
  {
    name: "cxa_thread_atexit of LLVM's libc++abi",
    licence: "Apache-2.0 WITH LLVM-exception",
    source: "https://github.com/llvm/llvm-project",
    only: "Linux",
    notice: [],
  },
  {
    name: "esbuild, of which Bun's transpiler, CSS lexer and resolver are a port",
    licence: "MIT",
    source: "https://github.com/evanw/esbuild",
    notice: ["Copyright (c) 2020 Evan Wallace"],
  },
  { name: "highway", licence: "Apache-2.0", source: "https://github.com/google/highway", notice: [] },
  {
    name: "ICU",
    licence: "Unicode-3.0",
    source: "https://github.com/unicode-org/icu",
    version: "icu",
    only: "Linux and Windows",
    notice: ["Copyright (C) 2016 and later: Unicode, Inc. and others."],
  },
  {
    name: "libarchive",
    licence: "BSD-2-Clause AND BSD-3-Clause",
    source: "https://github.com/libarchive/libarchive",
    version: "libarchive",
    notice: [
      "Copyright (c) 2003-2009 by Tim Kientzle and the authors of the single files",
      "Parts: copyright of the Regents of the University of California (BSD-3-Clause)",
    ],
  },
  {
    name: "libdeflate",
    licence: "MIT",
    source: "https://github.com/ebiggers/libdeflate",
    version: "libdeflate",
    notice: ["Copyright 2016 Eric Biggers", "Copyright 2024 Google LLC"],
  },
  {
    name: "libjpeg-turbo",
    licence: "IJG AND BSD-3-Clause AND Zlib",
    source: "https://github.com/libjpeg-turbo/libjpeg-turbo",
    notice: [
      "Copyright (C) 1991-2020, Thomas G. Lane, Guido Vollbeding",
      "Copyright (C) 1999-2006, MIYASAKA Masaru",
      "Copyright (C) 2009-2023, D. R. Commander",
      "and others, whom its files name",
    ],
  },
  {
    name: "libspng",
    licence: "BSD-2-Clause",
    source: "https://github.com/randy408/libspng",
    notice: ["Copyright (c) 2018-2021, Randy <randy408@protonmail.com>"],
  },
  {
    name: "libuv",
    licence: "MIT",
    source: "https://github.com/libuv/libuv",
    version: "uv",
    only: "Windows",
    notice: [
      "Copyright (c) 2015-present libuv project contributors.",
      "Copyright Joyent, Inc. and other Node contributors. All rights reserved.",
    ],
  },
  {
    name: "libwebp",
    licence: "BSD-3-Clause",
    source: "https://github.com/webmproject/libwebp",
    notice: ["Copyright (c) 2010, Google Inc. All rights reserved."],
  },
  {
    name: "llhttp",
    licence: "MIT",
    source: "https://github.com/nodejs/llhttp",
    version: "llhttp",
    notice: ["Copyright Fedor Indutny, 2018."],
  },
  {
    name: "lol-html",
    licence: "BSD-3-Clause",
    source: "https://github.com/cloudflare/lol-html",
    version: "lolhtml",
    notice: ["Copyright (C) 2019, Cloudflare, Inc.", "Copyright (C) 2019, Ivan Nikulin"],
  },
  {
    name: "ls-hpack",
    licence: "MIT",
    source: "https://github.com/litespeedtech/ls-hpack",
    version: "lshpack",
    notice: [`Copyright (c) 2018 ${LITESPEED}`],
  },
  {
    name: "ls-qpack",
    licence: "MIT",
    source: "https://github.com/litespeedtech/ls-qpack",
    notice: [`Copyright (c) 2018 - 2021 ${LITESPEED}`],
  },
  {
    name: "lsquic",
    licence: "MIT AND BSD-3-Clause",
    source: "https://github.com/litespeedtech/lsquic",
    notice: [
      `Copyright (c) 2017 - 2018 ${LITESPEED}`,
      "Parts: Copyright 2015 The Chromium Authors. All rights reserved. (BSD-3-Clause)",
    ],
  },
  {
    name: "mimalloc",
    licence: "MIT",
    source: "https://github.com/microsoft/mimalloc",
    version: "mimalloc",
    notice: ["Copyright (c) 2018-2025 Microsoft Corporation, Daan Leijen"],
  },
  {
    name: "packages for compatibility with Node.js",
    licence: "MIT",
    source: "https://github.com/oven-sh/bun",
    notice: [],
  },
  {
    name: "picohttpparser",
    licence: "MIT",
    source: "https://github.com/h2o/picohttpparser",
    version: "picohttpparser",
    notice: ["Copyright (c) 2009-2014 Kazuho Oku, Tokuhiro Matsuno, Daisuke Murase"],
  },
  { name: "simdutf", licence: "Apache-2.0", source: "https://github.com/simdutf/simdutf", notice: [] },
  {
    name: "SQLite",
    licence: "blessing",
    source: "https://www.sqlite.org",
    version: "sqlite",
    notice: ["In the public domain"],
  },
  {
    name: "TigerBeetle, parts of its IO code",
    licence: "Apache-2.0",
    source: "https://github.com/tigerbeetle/tigerbeetle",
    notice: [],
  },
  {
    name: "uSockets",
    licence: "Apache-2.0",
    source: "https://github.com/uNetworking/uSockets",
    notice: [],
  },
  {
    name: "uucode",
    licence: "MIT AND Unicode-3.0",
    source: "https://github.com/jacobsandlund/uucode",
    notice: [
      "Copyright (c) 2026 Jacob Sandlund",
      "Copyright (c) 2008-2009 Bjoern Hoehrmann <bjoern@hoehrmann.de>",
      "Data: Copyright © 1991-2025 Unicode, Inc. (Unicode-3.0)",
    ],
  },
  {
    name: "uWebSockets, a fork",
    licence: "Apache-2.0",
    source: "https://github.com/jarred-sumner/uwebsockets",
    notice: [],
  },
  {
    name: "zlib-ng",
    licence: "Zlib",
    source: "https://github.com/zlib-ng/zlib-ng",
    version: "zlib",
    notice: ["(C) 1995-2025 Jean-loup Gailly and Mark Adler"],
  },
  {
    name: "zstd",
    licence: "BSD-3-Clause",
    source: "https://github.com/facebook/zstd",
    version: "zstd",
    notice: ["Copyright (c) Meta Platforms, Inc. and affiliates. All rights reserved."],
  },
];

/** The licences and exceptions that an SPDX expression names. */
export function licencesIn(expression: string): readonly string[] {
  return expression.split(/ (?:AND|OR|WITH) /);
}

/** The file of an archive that holds the text of a licence. */
export function textOf(licence: string): string {
  if (licence === "Apache-2.0") return "LICENSE";
  return `licenses/${licence.replace(/-only$/, "")}.txt`;
}

/** The notices of Bun's parts, as a text for every archive. */
export function bunNotices(bun: string): string {
  const parts = BUN_PARTS.map(({ name, licence, source, only, notice }) =>
    [
      `${name}${only === undefined ? "" : ` (on ${only})`}`,
      `  Licence: ${licence} (${[...new Set(licencesIn(licence).map(textOf))].join(", ")})`,
      `  Source:  ${source}`,
      ...(notice.length > 0 ? notice : ["See the files of its source."]).map((line) => `  ${line}`),
      "",
    ].join("\n"),
  );
  return [
    `Notices of what is in Bun ${bun}, and so in this program`,
    "",
    "Bun itself is under the MIT License (licenses/MIT.txt). Its LICENSE.md names no holder of the copyright; its source",
    `is at https://github.com/oven-sh/bun, tag bun-v${bun}.`,
    "",
    "Each part below is under the licence that is named with it; the texts are in the files in parentheses, which lie in",
    "this archive. Who holds the copyright is told in the words of the part's own notice, with which the text counts.",
    "This software is based in part on the work of the Independent JPEG Group.",
    "",
    ...parts,
  ].join("\n");
}
