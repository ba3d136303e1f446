/** `.`, or as many folders up as there are `..`. */
export const ROOT_PATTERN = /^(?:\.|\.\.(?:\/\.\.){0,9})$/;
