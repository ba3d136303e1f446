import { expect, test } from "vitest";
import { githubApiUrl } from "../../../src/github/client";

test.each([
  [undefined, "https://api.github.com"],
  ["https://github.com", "https://api.github.com"],
  ["https://api.github.com/", "https://api.github.com"],
  ["https://octo.ghe.com", "https://api.octo.ghe.com"],
  ["https://api.octo.ghe.com", "https://api.octo.ghe.com"],
  ["https://github.example.com", "https://github.example.com/api/v3"],
  ["https://github.example.com/api/v3/", "https://github.example.com/api/v3"],
  ["http://127.0.0.1:4000/", "http://127.0.0.1:4000/api/v3"],
])("%s is %s", (written, expected) => expect(githubApiUrl(written)).toBe(expected));
