export const worker = "temporal-worker";
