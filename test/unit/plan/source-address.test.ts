import { expect, test } from "vitest";
import { sourceAddress } from "../../../src/plan/reference";

test.each([
  ["https://github.com/octo/app.git", "https://github.com/octo/app"],
  ["https://github.com/octo/app/", "https://github.com/octo/app"],
  ["https://github.com/octo/app", "https://github.com/octo/app"],
  ["git@github.com:octo/app.git", "https://github.com/octo/app"],
  ["ssh://git@github.com/octo/app.git", "https://github.com/octo/app"],
  ["ssh://git@ssh.github.com:443/octo/app.git", "https://github.com/octo/app"],
  ["git://git.example/octo/app", "https://git.example/octo/app"],
  ["https://git.example:8443/octo/app.git", "https://git.example:8443/octo/app"],
  ["http://localhost:3000/octo/app.git", "http://localhost:3000/octo/app"],
  ["/srv/git/app.git", "/srv/git/app.git"],
  ["../app", "../app"],
  ["/https:\\/\\/github\\.com\\/octo\\/.+/", "/https:\\/\\/github\\.com\\/octo\\/.+/"],
])("%s is the source %s", (remote, source) => {
  expect(sourceAddress(remote)).toBe(source);
});
