export const graph = "langgraph";
