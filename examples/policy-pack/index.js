// @ts-check

const { PolicyPack } = require("@pulumi/policy");

// What Slipway is about to do with an image stands in the inputs of these two, before anything is built or copied.
const IMAGES = ["slipway:index:ImageRelease", "slipway:index:Promotion"];

new PolicyPack("release-rules", {
  policies: [
    {
      name: "approved-registries",
      description: "Images go to the registries that the team has agreed on.",
      enforcementLevel: "mandatory",
      configSchema: {
        properties: { hosts: { type: "array", items: { type: "string" }, default: ["ghcr.io"] } },
      },
      validateResource: ({ type, props, getConfig }, report) => {
        if (!IMAGES.includes(type)) return;
        /** @type {{ hosts: string[] }} */
        const { hosts } = getConfig();
        for (const repository of props.repositories) {
          if (!hosts.includes(repository.split("/")[0])) {
            report(`${props.image} would go to ${repository}; agreed are ${hosts.join(", ")}`);
          }
        }
      },
    },
    {
      name: "versions-are-signed",
      description: "What has a version is signed.",
      enforcementLevel: "advisory",
      validateResource: ({ type, props }, report) => {
        if (type !== "slipway:index:ImageRelease" || props.signed !== "none") return;
        if (props.version !== undefined) report(`${props.image} ${props.version} would not be signed`);
      },
    },
  ],
});
