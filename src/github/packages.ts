import type { Octokit } from "octokit";
import { type Digest, isDigest } from "../plan/digest";
import type { ProblemError } from "../plan/problem";
import type { Secret } from "../plan/secret";
import { accessFailure, failure, requestFailure, tokenClient, unlessStatus } from "./client";

export interface PackagesOptions {
  /** As it is configured: `https://github.com`. */
  readonly baseUrl: string;
  /** `octo/app`, or `octo/shop/app`: the owner, and the package's name. */
  readonly path: string;
  readonly token: Secret;
  /** Where the token comes from, for messages. */
  readonly tokenFrom: string;
}

/**
 * The versions of one container package. GitHub's registry does not support deletion by OCI's API. Here, a version is a
 * digest with all of its tags (platforms and referrers are versions too), and is deleted by its number.
 */
export class GitHubPackage {
  readonly #options: PackagesOptions;
  readonly #owner: string;
  readonly #name: string;
  #client: Promise<Octokit> | undefined;
  #isOrganization: Promise<boolean> | undefined;
  #versions: Promise<ReadonlyMap<Digest, number>> | undefined;

  constructor(options: PackagesOptions) {
    this.#options = options;
    const slash = options.path.indexOf("/");
    this.#owner = options.path.slice(0, slash);
    this.#name = options.path.slice(slash + 1);
  }

  /** The number of every version by its digest, read once. @throws ProblemError */
  versions(): Promise<ReadonlyMap<Digest, number>> {
    this.#versions ??= this.#ask((octokit, isOrganization) => {
      const place = { package_type: "container", package_name: this.#name, per_page: 100 } as const;
      return isOrganization
        ? octokit.paginate(octokit.rest.packages.getAllPackageVersionsForPackageOwnedByOrg, {
            org: this.#owner,
            ...place,
          })
        : octokit.paginate(octokit.rest.packages.getAllPackageVersionsForPackageOwnedByUser, {
            username: this.#owner,
            ...place,
          });
    }).then(
      (found) => new Map(found.flatMap(({ id, name }) => (isDigest(name) ? [[name, id] as const] : []))),
    );
    return this.#versions;
  }

  /** Deletes a digest with all of its tags; one that is gone is no error. @throws ProblemError */
  async delete(digest: Digest): Promise<void> {
    const id = (await this.versions()).get(digest);
    if (id === undefined) return;
    await this.#ask(async (octokit, isOrganization) => {
      const version = {
        package_type: "container",
        package_name: this.#name,
        package_version_id: id,
      } as const;
      const deletion = isOrganization
        ? octokit.rest.packages.deletePackageVersionForOrg({ org: this.#owner, ...version })
        : octokit.rest.packages.deletePackageVersionForUser({ username: this.#owner, ...version });
      await unlessStatus([404], deletion);
    });
  }

  async #ask<T>(request: (octokit: Octokit, isOrganization: boolean) => Promise<T>): Promise<T> {
    const { baseUrl, path, token, tokenFrom } = this.#options;
    this.#client ??= tokenClient(token, baseUrl);
    try {
      const octokit = await this.#client;
      this.#isOrganization ??= octokit.rest.users
        .getByUsername({ username: this.#owner })
        .then(({ data }) => data.type === "Organization");
      return await request(octokit, await this.#isOrganization);
    } catch (error) {
      const failed = requestFailure(error);
      if (failed === undefined) throw error;
      if (failed.status === 404) {
        throw failure(
          "github-package-missing",
          path,
          `there is no package ${this.#name} of ${this.#owner} that the token of ${tokenFrom} sees (404)`,
          TOKEN_HINT,
        );
      }
      throw accessFailure(failed, {
        tokenFrom,
        baseUrl,
        mayNot: `list and delete versions of ${path}`,
        cannot: `versions of ${path} cannot be listed or deleted`,
        permission: TOKEN_HINT,
        page: "docs/prune.md says what it needs",
        otherServer: "`packages` of the registry",
      });
    }
  }
}

const TOKEN_HINT =
  "Set GH_TOKEN to a classic token with the scopes read:packages and delete:packages, of an administrator of the " +
  "package. In a workflow of GitHub: GITHUB_TOKEN with packages: write, where the package gives the repository the role Admin.";

export function noToken(repository: string): ProblemError {
  return failure(
    "github-token-missing",
    repository,
    "there is no token to delete versions of the package with",
    TOKEN_HINT,
  );
}
