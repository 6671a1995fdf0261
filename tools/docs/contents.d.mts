/** The pages of the docs site by group, without their ending. */
export const contents: readonly { readonly group: string; readonly pages: readonly string[] }[];
