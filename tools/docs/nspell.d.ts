/** The part of nspell that is used; it has no types of its own. */
declare module "nspell" {
  interface Speller {
    correct(word: string): boolean;
    add(word: string): void;
  }
  export default function nspell(dictionary: { readonly aff: Uint8Array; readonly dic: Uint8Array }): Speller;
}
