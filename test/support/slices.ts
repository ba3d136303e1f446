/** `npm run test:all` runs every case of what is slow, `npm test` a slice of it. */
export const EVERY_CASE = process.env.SLIPWAY_TESTS === "all";
