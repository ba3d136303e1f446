import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { VerifyRules } from "../../../src/plan/trust";
import { imageSignatureBytes, releaseStatementBytes } from "../../../src/signing/in-toto";
import { releaseSigner } from "../../../src/signing/release-signer";
import { NOW, newKeyPair, REVISION, Scene, SOURCE, statementOf } from "../../support/signed-image";
import { type Authorities, signKeyless, startAuthorities, token } from "../../support/sigstore";

const ISSUER = "https://token.actions.githubusercontent.com";
const WORKFLOW = "https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1.2.3";
const CLAIMS = { iss: ISSUER, sub: WORKFLOW, sha: REVISION, repository: "octo/app" };
const HOUR = 3_600_000;

let authorities: Authorities;
let strangers: Authorities;
let late: Authorities;

beforeAll(async () => {
  [authorities, strangers, late] = await Promise.all([
    startAuthorities(),
    startAuthorities(),
    // The log takes the signature in an hour after the certificate of ten minutes was issued.
    startAuthorities({ certified: new Date(Date.now() - HOUR) }),
  ]);
});

afterAll(() => Promise.all([authorities, strangers, late].map((each) => each.stop())));

const keys = newKeyPair();

function required(
  changes: Partial<Extract<VerifyRules["signer"], { kind: "identity" }>> = {},
): VerifyRules["signer"] {
  const { trustedRoot } = authorities;
  return { kind: "identity", subject: WORKFLOW, issuer: ISSUER, trustedRoot, ...changes };
}

async function signed(by: Authorities, claims: Readonly<Record<string, string>> = CLAIMS): Promise<Scene> {
  const scene = new Scene(keys);
  scene.attach(await signKeyless(by, claims, imageSignatureBytes(scene.image.digest)));
  return scene;
}

type Bundle = {
  verificationMaterial: {
    certificate: { rawBytes: string };
    tlogEntries: { integratedTime: string; inclusionPromise?: object; inclusionProof?: object }[];
  };
  dsseEnvelope: { payload: string };
};

/** A scene whose bundle was changed after it was signed. */
async function changed(change: (bundle: Bundle, scene: Scene) => void | Promise<void>): Promise<Scene> {
  const scene = new Scene(keys);
  const bytes = await signKeyless(authorities, CLAIMS, imageSignatureBytes(scene.image.digest));
  const bundle: Bundle = JSON.parse(bytes.toString("utf8"));
  await change(bundle, scene);
  scene.attach(Buffer.from(JSON.stringify(bundle)));
  return scene;
}

interface Case {
  readonly what: string;
  readonly make?: () => Promise<Scene>;
  readonly rules?: () => Partial<VerifyRules>;
  readonly code: string;
  readonly says: RegExp;
}

const cases: readonly Case[] = [
  {
    what: "another workflow",
    make: () => signed(authorities, { ...CLAIMS, sub: WORKFLOW.replace("release", "other") }),
    code: "verify-identity",
    says: /is signed by https:\/\/github\.com\/octo\/app\/\.github\/workflows\/other\.yml@refs\/tags\/v1\.2\.3, not by/,
  },
  {
    what: "another repository's workflow",
    make: () => signed(authorities, { ...CLAIMS, sub: WORKFLOW.replace("octo", "mallory") }),
    code: "verify-identity",
    says: /mallory/,
  },
  {
    what: "a subject that only begins like the required one",
    make: () => signed(authorities, { ...CLAIMS, sub: `${WORKFLOW}-evil` }),
    rules: () => ({
      signer: required({ subject: `/${WORKFLOW.replaceAll("/", "\\/").replaceAll(".", "\\.")}/` }),
    }),
    code: "verify-identity",
    says: /-evil/,
  },
  {
    what: "the right subject from another issuer",
    make: () => signed(authorities, { ...CLAIMS, iss: "https://gitlab.example" }),
    code: "verify-issuer",
    says: /is confirmed by https:\/\/gitlab\.example, not by/,
  },
  {
    what: "the right identity, by authorities that are not trusted",
    make: () => signed(strangers),
    code: "verify-certificate",
    says: /certificate that is not trusted/,
  },
  {
    what: "a certificate that had expired",
    make: () => signed(late),
    rules: () => ({ signer: required({ trustedRoot: late.trustedRoot }) }),
    code: "verify-expired",
    says: /was signed at .+, but its certificate is valid from .+ to /,
  },
  {
    what: "a signature that is in no transparency log",
    make: () =>
      changed((bundle) => {
        bundle.verificationMaterial.tlogEntries = [];
      }),
    code: "verify-log",
    says: /not confirmed by the transparency log/,
  },
  {
    what: "the log's time moved into the certificate's",
    make: () =>
      changed(({ verificationMaterial: { tlogEntries } }) => {
        const [entry] = tlogEntries;
        if (entry !== undefined) entry.integratedTime = String(Number(entry.integratedTime) + 60);
      }),
    code: "verify-log",
    says: /transparency log/,
  },
  {
    what: "a log entry with an impossible time",
    make: () =>
      changed(({ verificationMaterial: { tlogEntries } }) => {
        const [entry] = tlogEntries;
        if (entry !== undefined) entry.integratedTime = "9".repeat(20);
      }),
    code: "verify-certificate",
    says: /certificate that is not trusted/,
  },
  {
    what: "a log entry without promise and proof",
    make: () =>
      changed(({ verificationMaterial: { tlogEntries } }) => {
        const [entry] = tlogEntries;
        delete entry?.inclusionPromise;
        delete entry?.inclusionProof;
      }),
    code: "verify-malformed",
    says: /not a Sigstore bundle/,
  },
  {
    what: "an entry of the log about another signature",
    make: () =>
      changed(async (bundle, scene) => {
        const other = await signKeyless(authorities, CLAIMS, imageSignatureBytes(scene.image.digest));
        const { verificationMaterial }: Bundle = JSON.parse(other.toString("utf8"));
        bundle.verificationMaterial.tlogEntries = verificationMaterial.tlogEntries;
      }),
    code: "verify-payload",
    says: /differs from the entry in the transparency log/,
  },
  {
    what: "an edited payload",
    make: () =>
      changed(({ dsseEnvelope }) => {
        const text = Buffer.from(dsseEnvelope.payload, "base64")
          .toString("utf8")
          .replace('"predicate":{}', '"predicate":{"x":1}');
        dsseEnvelope.payload = Buffer.from(text).toString("base64");
      }),
    code: "verify-payload",
    says: /the payload was changed/,
  },
  {
    what: "another's certificate under the signature",
    make: () =>
      changed(async (bundle, scene) => {
        const claims = { ...CLAIMS, sub: "https://github.com/mallory/x" };
        const other = await signKeyless(authorities, claims, imageSignatureBytes(scene.image.digest));
        const { verificationMaterial }: Bundle = JSON.parse(other.toString("utf8"));
        bundle.verificationMaterial.certificate = verificationMaterial.certificate;
      }),
    code: "verify-payload",
    says: /signature that does not match/,
  },
  {
    what: "a certificate that cannot be read",
    make: () =>
      changed((bundle) => {
        bundle.verificationMaterial.certificate.rawBytes = "AAAA";
      }),
    code: "verify-malformed",
    says: /cannot be read/,
  },
  {
    what: "another image's signature",
    make: async () => {
      const scene = new Scene(keys);
      const other = scene.repository.image(["linux/amd64"], { name: "other" });
      scene.attach(await signKeyless(authorities, CLAIMS, imageSignatureBytes(other.digest)));
      return scene;
    },
    code: "verify-subject",
    says: /is about/,
  },
  {
    what: "the certificate names another source, whatever the statement says",
    make: async () => {
      const scene = new Scene(keys);
      const statement = releaseStatementBytes("app", scene.image.digest, statementOf());
      scene.attach(await signKeyless(authorities, { ...CLAIMS, repository: "mallory/app" }, statement));
      return scene;
    },
    rules: () => ({ predicates: ["statement"], source: SOURCE }),
    code: "verify-source",
    says: /the certificate says source https:\/\/github\.com\/mallory\/app/,
  },
  {
    what: "the certificate names another commit",
    make: () => signed(authorities, { ...CLAIMS, sha: REVISION.replaceAll("0", "f") }),
    rules: () => ({ revision: REVISION }),
    code: "verify-revision",
    says: /says revision f123/,
  },
  {
    what: "just signed, with a second entry of the log dated 2001 that nothing but the inclusion vouches for",
    make: () =>
      changed(({ verificationMaterial: { tlogEntries } }) => {
        const { inclusionPromise: _, ...unpromised } = tlogEntries[0] ?? {};
        tlogEntries.push({ ...unpromised, integratedTime: String(Date.parse("2001-01-01") / 1000) });
      }),
    rules: () => ({ minAge: 86_400 }),
    code: "verify-too-new",
    says: /\(transparency log\), less than 86400 s ago/,
  },
  {
    what: "signed long ago, by the log's time and not by what the build says",
    make: () => signed(authorities),
    rules: () => ({ maxAge: 1 }),
    code: "verify-too-old",
    says: /\(transparency log\), more than 1 s ago/,
  },
];

describe("keyless", () => {
  test.each(cases)("$what is refused", async ({ make, rules, code, says }) => {
    const scene = await (make ?? (() => signed(authorities)))();
    const now = code.startsWith("verify-too") ? new Date(Date.now() + HOUR) : NOW;
    const { verified, problems } = await scene.verify(
      { signer: required(), predicates: ["signature"], ...rules?.() },
      now,
    );
    expect(verified).toBe(false);
    const own = problems.filter((problem) => problem.code === code);
    expect(own.map(({ message }) => message).join("\n")).toMatch(says);
    expect(new Set(problems.map((problem) => problem.code))).toEqual(new Set([code]));
  });

  test("what the workflow signed is verified, with the log's time", async () => {
    const before = Math.floor(Date.now() / 1000) * 1000;
    const scene = await signed(authorities);
    const verdict = await scene.verify(
      { signer: required(), predicates: ["signature"], source: SOURCE, revision: REVISION },
      new Date(),
    );
    expect(verdict).toMatchObject({ verified: true, signer: WORKFLOW, problems: [] });
    expect(verdict.madeAt?.from).toBe("transparency log");
    expect(Date.parse(verdict.madeAt?.time ?? "")).toBeGreaterThanOrEqual(before);
  });

  test("the release's own signer knows its signatures again, and nobody else's", async () => {
    const { fulcio, rekor, trustedRoot } = authorities;
    const env = { SIGSTORE_ID_TOKEN: token({ ...CLAIMS, sub: WORKFLOW }) };
    const signer = await releaseSigner({ mode: "keyless", trusted: [], fulcio, rekor, trustedRoot }, env);
    const scene = new Scene(keys);
    scene.attach((await signer?.sign(imageSignatureBytes(scene.image.digest))) ?? Buffer.from(""));
    const trust = await signer?.trust();
    expect(trust).toMatchObject({ kind: "identity", issuer: ISSUER });
    const rules = { signer: required(), predicates: ["signature"] };
    expect((await scene.verify(rules)).problems).toEqual([]);
  });

  test("a failure names the servers and not the token", async () => {
    const secret = token({ ...CLAIMS, sub: "a-subject-that-is-secret" });
    const signer = await releaseSigner(
      { mode: "keyless", trusted: [], fulcio: `${authorities.fulcio}/nowhere`, rekor: authorities.rekor },
      { SIGSTORE_ID_TOKEN: secret },
    );
    const failure = await signer?.sign(Buffer.from("{}")).catch((error: unknown) => String(error));
    expect(failure).toMatch(/Keyless signing by http:\/\/127\.0\.0\.1:\d+\/nowhere and .+ failed/);
    expect(failure).not.toContain(secret);
  });

  test("without an identity it says what to do", async () => {
    const { fulcio, rekor } = authorities;
    const signer = await releaseSigner(
      { mode: "keyless", trusted: [], fulcio, rekor },
      { SIGSTORE_ID_TOKEN: "garbage" },
    );
    await expect(signer?.sign(Buffer.from("{}"))).rejects.toThrow(/is not a JWT/);
  });
});
