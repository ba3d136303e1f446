/** The package has no types of its own. */
declare module "spdx-expression-parse" {
  interface Licence {
    readonly license: string;
    /** `GPL-2.0+` */
    readonly plus?: true;
    readonly exception?: string;
  }
  interface Conjunction {
    readonly left: Expression;
    readonly conjunction: "and" | "or";
    readonly right: Expression;
  }
  type Expression = Licence | Conjunction;
  /** @throws Error for what is no SPDX expression */
  function parse(text: string): Expression;
  namespace parse {
    export type { Conjunction, Expression, Licence };
  }
  export = parse;
}
