/** The package's schema, as `pulumi package get-schema` shows it. */
export function schema(version: string): object {
  const text = { type: "string" };
  const texts = { type: "array", items: text };
  const resource = (description: string, properties: Record<string, object>) => ({
    description,
    inputProperties: properties,
    properties,
  });
  return {
    name: "slipway-registry",
    version,
    description: "Release tags, candidates and statements in OCI registries.",
    provider: {
      inputProperties: {
        registries: { ...text, description: "JSON: a list of { host, plainHttp }." },
        artifacts: { ...text, description: "Folder for diagnostics, relative to the project." },
        signing: { ...text, description: "JSON: how releases are signed; no key." },
        handover: { ...text, description: "Where the program hands secrets over while it runs." },
        stack: { ...text, description: "The stack to ask for passwords when no program runs." },
        passwords: {
          ...text,
          description: "JSON: host -> { username, at }, places in the stack's configuration.",
        },
      },
    },
    resources: {
      "slipway-registry:index:Barrier": resource("One point in the order of a release.", { reached: text }),
      "slipway-registry:index:Candidate": resource("Content that is proved and can be found again.", {
        image: text,
        repositories: texts,
        tag: text,
        contentKey: text,
        revision: text,
        platforms: texts,
        digest: text,
        source: text,
        attestations: text,
      }),
      "slipway-registry:index:HubDescription": resource("What Docker Hub says of a repository.", {
        repository: text,
        short: text,
        full: text,
        kept: text,
      }),
      "slipway-registry:index:ImageCopy": resource("Content copied by digest, with all that refers to it.", {
        image: text,
        source: text,
        digest: text,
        repositories: texts,
        platforms: texts,
      }),
      "slipway-registry:index:Tag": resource("One tag of one image in one repository.", {
        repository: text,
        name: text,
        digest: text,
        class: text,
        version: text,
        revision: text,
        siblings: texts,
      }),
      "slipway-registry:index:Attestation": resource("A release statement as a referrer of a digest.", {
        image: text,
        repositories: texts,
        digest: text,
      }),
    },
    functions: Object.fromEntries(
      [
        ["getImage", { reference: text }],
        ["listTags", { repository: text }],
      ].map(([name, properties]) => [`slipway-registry:index:${name}`, { inputs: { properties } }]),
    ),
  };
}
