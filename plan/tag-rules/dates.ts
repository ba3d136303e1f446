import moment from "moment-timezone";

/**
 * `{{date 'YYYYMMDD' tz='Asia/Tokyo'}}`: a date in moment's format, in UTC unless `tz` names another zone.
 *
 * @param format what the template passed first; empty or missing: ISO 8601
 * @param options what Handlebars passes last
 * @param warn called with an unknown zone, which counts as UTC
 * @throws TypeError when the template calls it wrongly.
 */
export function formatDate(
  date: Date,
  format: unknown,
  options: unknown,
  warn: (text: string) => void,
): string {
  const attributes = hashOf(options);
  if (attributes === undefined) {
    throw new TypeError("a date needs a format, and nothing else but tz=: {{date 'YYYYMMDD' tz='UTC'}}");
  }
  const unknown = Object.keys(attributes).find((name) => name !== "tz");
  if (unknown !== undefined) throw new TypeError(`${unknown}= is not one of the attributes of a date: tz=`);
  const zone = "tz" in attributes ? attributes.tz : "UTC";
  if (typeof zone !== "string" || zone === "") {
    throw new TypeError("tz= needs the name of a time zone in quotes: tz='Europe/Berlin'");
  }
  if (format && typeof format !== "string") {
    throw new TypeError("a date's format stands in quotes: {{date 'YYYYMMDD'}}");
  }
  const known = moment.tz.zone(zone) !== null;
  if (!known) warn(`${JSON.stringify(zone)} is no time zone; UTC is used`);
  const local = known ? moment(date).tz(zone) : moment.utc(date);
  return typeof format === "string" && format !== "" ? local.locale("en").format(format) : local.format();
}

function hashOf(options: unknown): object | undefined {
  if (typeof options !== "object" || options === null || !("hash" in options)) return undefined;
  return typeof options.hash === "object" && options.hash !== null ? options.hash : undefined;
}
