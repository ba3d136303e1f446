import { expect, test } from "vitest";
import { usedSecrets } from "../../../src/plan/setup/plan";

const path = ".github/workflows/a.yml";

test.each([
  [`\${{ secrets.TOKEN }}`, [["TOKEN", false]]],
  [`\${{ secrets['TOKEN'] }}`, [["TOKEN", false]]],
  [`\${{ secrets.token }}`, [["TOKEN", false]]],
  [
    `\${{ secrets.TOKEN || secrets.OTHER }}`,
    [
      ["OTHER", false],
      ["TOKEN", false],
    ],
  ],
  [`HAS: \${{ secrets.TOKEN != '' }}\nuse: \${{ secrets.TOKEN }}`, [["TOKEN", true]]],
  [`\${{ secrets.GITHUB_TOKEN }}`, []],
  ["mysecrets.TOKEN", []],
  ["secrets: inherit", []],
])("%s", (content, expected) => {
  expect(usedSecrets([{ path, content }]).map(({ name, optional }) => [name, optional])).toEqual(expected);
});

test("only workflows use secrets", () => {
  expect(usedSecrets([{ path: "docs/a.yml", content: `\${{ secrets.TOKEN }}` }])).toEqual([]);
});
