import { describe, expect, test } from "vitest";
import { judgeLicence, licenceBreaches } from "../../../src/plan/policy/licences";

const GPL = { licences: ["/A?GPL-.+/", "SSPL-1.0"], unknown: "allow" } as const;

describe("a licence", () => {
  test.each([
    ["MIT", "allowed"],
    ["GPL-3.0-only", "denied"],
    ["GPL-2.0-or-later", "denied"],
    ["GPL-2.0+", "denied"],
    ["LGPL-2.1-only", "allowed"],
    ["SSPL-1.0", "denied"],
    ["MIT OR GPL-3.0-only", "allowed"],
    ["GPL-3.0-only OR AGPL-3.0-only", "denied"],
    ["MIT AND GPL-3.0-only", "denied"],
    ["MIT AND (GPL-3.0-only OR BSD-2-Clause)", "allowed"],
    ["(MIT OR GPL-3.0-only) AND SSPL-1.0", "denied"],
    ["GPL-2.0-only WITH Classpath-exception-2.0", "denied"],
    ["LicenseRef-own", "unknown"],
    ["DocumentRef-spdx:LicenseRef-own", "unknown"],
    ["LicenseRef-GPL-3.0", "denied"],
    ["DocumentRef-spdx:LicenseRef-GPL-3.0-only", "denied"],
    ["licenseref-gpl-3.0", "denied"],
    ["MIT AND LicenseRef-own", "unknown"],
    ["LicenseRef-own AND MIT", "unknown"],
    ["LicenseRef-own AND GPL-3.0-only", "denied"],
    ["GPL-3.0-only AND LicenseRef-own", "denied"],
    ["MIT OR LicenseRef-own", "allowed"],
    ["LicenseRef-own OR MIT", "allowed"],
    ["LicenseRef-own OR GPL-3.0-only", "unknown"],
    ["GPL-3.0-only OR LicenseRef-own", "unknown"],
    ["LicenseRef-own AND (MIT OR GPL-3.0-only)", "unknown"],
    ["gpl-3.0-only", "denied"],
    ["agpl-3.0", "denied"],
    ["sspl-1.0", "denied"],
    ["GPL-3.0-only+", "denied"],
    ["GPL-2.0-with-classpath-exception", "denied"],
    ["Licensed under GPL-3.0-only.", "denied"],
    ["Our own licence", "unknown"],
    ["GPL-3.0-only, see COPYING", "denied"],
    ["NOASSERTION", "unknown"],
    ["NONE", "unknown"],
    ["", "unknown"],
    [undefined, "unknown"],
  ])("%j is %s", (licence, kind) => {
    expect(judgeLicence(licence, GPL).kind).toBe(kind);
  });

  test.each([
    ["GPL-3.0-only", "GPL-3.0", "denied"],
    ["GPL-3.0", "GPL-3.0-only", "denied"],
    ["GPL-3.0", "gpl-3.0-only", "denied"],
    ["gpl-3.0", "GPL-3.0-only", "denied"],
    ["GPL-3.0", "LicenseRef-GPL-3.0-only", "denied"],
    ["GPL-3.0", "GPL-3.0-only WITH Classpath-exception-2.0", "denied"],
    ["GPL-3.0", "GPL-3.0-or-later", "allowed"],
    ["GPL-3.0+", "GPL-3.0-or-later", "denied"],
    ["GPL-3.0+", "GPL-3.0-only", "allowed"],
    ["/GPL-3\\.0/", "GPL-3.0-only", "denied"],
    ["/gpl-.+/", "GPL-3.0-only", "denied"],
    ["GFDL-1.3", "GFDL-1.3-only", "denied"],
    ["GPL-2.0-only", "GPL-2.0-with-classpath-exception", "denied"],
    ["GPL-2.0", "GPL-2.0-with-GCC-exception", "denied"],
    ["GPL-2.0 WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", "denied"],
    ["GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only", "allowed"],
    ["mit", "MIT", "denied"],
    ["GPL-3.0", "Licensed under GPL-3.0-only.", "denied"],
    ["Our own licence", "our own licence", "denied"],
    ["MIT", "Apache-2.0 OR (MIT AND ISC)", "allowed"],
    ["own", "LicenseRef-own", "denied"],
    ["licenseref-own", "LicenseRef-own", "denied"],
    ["DocumentRef-d:LicenseRef-own", "DocumentRef-d:LicenseRef-own", "denied"],
    ["LicenseRef-own", "DocumentRef-d:LicenseRef-own", "denied"],
    ["GPL-3.0-or-later", "GPL-3.0+", "denied"],
    ["GPL-3.0-only", "GPL-3.0-or-later", "allowed"],
    ["LicenseRef-own", "LicenseRef-own", "denied"],
    ["GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", "denied"],
  ])("where %s is denied, %s is %s", (denied, licence, kind) => {
    expect(judgeLicence(licence, { licences: [denied], unknown: "allow" }).kind).toBe(kind);
  });
});

test("packages are listed once, sorted; those without a licence only if that is refused", () => {
  const packages = [
    { name: "z", version: "1", licence: "AGPL-3.0-only" },
    { name: "a", licence: "GPL-3.0-only" },
    { name: "z", version: "1", licence: "AGPL-3.0-only" },
    { name: "m", version: "2" },
    { name: "o", licence: "LicenseRef-own" },
  ];
  const denied = ["a: GPL-3.0-only", "z 1: AGPL-3.0-only"];
  expect(licenceBreaches(packages, GPL)).toEqual({ denied, unknown: [] });
  expect(licenceBreaches(packages, { ...GPL, unknown: "refuse" })).toEqual({
    denied,
    unknown: ["m 2", "o: LicenseRef-own"],
  });
});
