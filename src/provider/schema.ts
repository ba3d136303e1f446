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
      "slipway-registry:index:Content": resource("An image's content, complete in every registry.", {
        image: text,
        repositories: texts,
        tag: text,
        digest: text,
        statement: text,
        sign: text,
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
      "slipway-registry:index:Tags": resource("Every tag of a release: host/path:tag -> digest.", {
        tags: { type: "object", additionalProperties: text },
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
