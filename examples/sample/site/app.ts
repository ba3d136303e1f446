// What the sample image serves: how the tags of a version follow from it.

function floatingTags(version: string): string[] {
  const match = /^(\d+)\.(\d+)\.(\d+)(-.+)?$/.exec(version);
  if (!match) return [];
  const [, major, minor, , preRelease] = match;
  return preRelease ? [] : [`${major}.${minor}`, `${major}`, "latest"];
}

const app = document.querySelector("#app");
if (app) {
  const heading = document.createElement("h1");
  heading.textContent = "Released by Slipway";
  const label = document.createElement("label");
  label.textContent = "A version: ";
  const input = document.createElement("input");
  input.value = "1.2.3";
  const list = document.createElement("p");
  const show = () => {
    const tags = floatingTags(input.value);
    list.textContent = tags.length > 0 ? `moves ${tags.join(", ")}` : "moves no floating tag";
  };
  input.addEventListener("input", show);
  label.append(input);
  app.append(heading, label, list);
  show();
}
