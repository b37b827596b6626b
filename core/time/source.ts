/** Where time-stamps come from: the post's own authority, or one at an address. */
export interface TimestampSource {
  /**
   * @param digest SHA-256, SHA-384 or SHA-512 of what is stamped; its length tells which
   * @returns DER TimeStampToken, checked
   * @throws ConsulError TSA_UNREACHABLE (try again later), TSA_INVALID, or of the authority's certificate
   */
  stamp(digest: Uint8Array): Promise<Uint8Array>;
}
