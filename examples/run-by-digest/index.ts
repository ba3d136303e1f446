import { Container } from "@pulumi/docker";
import { Config } from "@pulumi/pulumi";
import { Release } from "slipway";

const images = {
  site: {
    context: ".",
    tags: ["type=semver,pattern={{version}}", "type=semver,pattern={{major}}.{{minor}}"],
  },
};

/** Releases the site to the registry of Pulumi.stage.yaml, then runs the released image on this machine. */
export = async () => {
  const release = new Release("release", await Release.plan({ images }));
  const port = new Config().getNumber("port") ?? 8080;
  const container = new Container(
    "site",
    {
      // host/path@sha256:…, known when the image is verified and tagged: a new digest replaces the container.
      image: release.images.site.reference,
      ports: [{ internal: 8000, external: port, ip: "127.0.0.1" }],
      restart: "unless-stopped",
    },
    // The new container needs the port of the old one.
    { deleteBeforeReplace: true },
  );
  return { ...release.outputs, running: container.image, url: `http://localhost:${port}` };
};
