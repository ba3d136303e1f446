import { noContent, notFound, type Route } from "./router";

/** What Actions may do in one repository, as GitHub has it for a new one. */
export class PermissionStore {
  actions: unknown = { enabled: true, allowed_actions: "all", sha_pinning_required: false };
  selected: unknown = { github_owned_allowed: true, verified_allowed: false, patterns_allowed: [] };
  workflow: unknown = { default_workflow_permissions: "read", can_approve_pull_request_reviews: false };
}

const parts = [
  { path: "", name: "actions" },
  { path: "/selected-actions", name: "selected" },
  { path: "/workflow", name: "workflow" },
] as const;

export function permissionRoutes(
  repository: string,
  store: (params: Readonly<Record<string, string>>) => PermissionStore | undefined,
): Route[] {
  return parts.flatMap(({ path, name }) => {
    const pattern = `${repository}/actions/permissions${path}`;
    const get: Route = {
      method: "GET",
      pattern,
      answer: ({ params }) => {
        const found = store(params);
        return found === undefined ? notFound : { status: 200, body: found[name] };
      },
    };
    const put: Route = {
      method: "PUT",
      pattern,
      answer: ({ params, body }) => {
        const found = store(params);
        if (found === undefined) return notFound;
        const known = found[name];
        found[name] = { ...(isObject(known) ? known : {}), ...(isObject(body) ? body : {}) };
        return noContent;
      },
    };
    return [get, put];
  });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
