import { noContent, notFound, type Route, refused } from "./router";

export interface PackageVersion {
  /** `sha256:…`. */
  readonly digest: string;
  readonly tags: readonly string[];
}

/** The container packages of one owner, with their versions as the registry has them. */
export class PackageStore {
  readonly owner: string;
  readonly type: "Organization" | "User";
  /** Of a package, by its name; undefined where there is none. */
  read: (name: string) => Promise<readonly PackageVersion[] | undefined> = async () => undefined;
  /** Deletes a version from the registry. */
  remove: (name: string, digest: string) => Promise<void> = async () => {};
  /** At most so many come in one answer. */
  pageSize = 100;
  /** Below which the next page is: `<url>/api/v3`. */
  api = "";
  readonly #ids = new Map<string, number>();

  constructor(owner: string, type: PackageStore["type"]) {
    this.owner = owner;
    this.type = type;
  }

  /** A version keeps its number. */
  idOf(digest: string): number {
    const id = this.#ids.get(digest) ?? 7000 + this.#ids.size;
    this.#ids.set(digest, id);
    return id;
  }
}

export function packageRoutes(store: PackageStore): Route[] {
  const isOrganization = store.type === "Organization";
  const base = `${isOrganization ? "/orgs" : "/users"}/{owner}/packages/container/{name}/versions`;
  const isOwner = ({ owner = "" }: Readonly<Record<string, string>>) => owner === store.owner;
  return [
    {
      method: "GET",
      pattern: "/users/{owner}",
      answer: ({ params }) =>
        isOwner(params) ? { status: 200, body: { login: store.owner, type: store.type } } : notFound,
    },
    {
      method: "GET",
      pattern: base,
      answer: async ({ params, query }) => {
        const versions = isOwner(params) ? await store.read(params.name ?? "") : undefined;
        if (versions === undefined) return notFound;
        const size = Math.min(Number(query.get("per_page") ?? 30), store.pageSize);
        const page = Number(query.get("page") ?? 1);
        const path = base
          .replace("{owner}", store.owner)
          .replace("{name}", encodeURIComponent(params.name ?? ""));
        return {
          status: 200,
          body: versions.slice((page - 1) * size, page * size).map(({ digest, tags }) => ({
            id: store.idOf(digest),
            name: digest,
            metadata: { package_type: "container", container: { tags } },
          })),
          headers:
            versions.length > page * size
              ? { link: `<${store.api}${path}?per_page=${size}&page=${page + 1}>; rel="next"` }
              : {},
        };
      },
    },
    {
      method: "DELETE",
      pattern: `${base}/{id}`,
      answer: async ({ params: { name = "", id }, params }) => {
        const versions = (isOwner(params) ? await store.read(name) : undefined) ?? [];
        const version = versions.find(({ digest }) => String(store.idOf(digest)) === id);
        if (version === undefined) return notFound;
        if (version.tags.length > 0 && versions.filter(({ tags }) => tags.length > 0).length === 1)
          return refused(422, "You cannot delete the last tagged version of a package.");
        await store.remove(name, version.digest);
        return noContent;
      },
    },
  ];
}
