/** RFC 5280 §4.1.2.2: positive, at most 20 octets; 126 random bits here. */
export function serialNumber(random: (length: number) => Uint8Array): Uint8Array {
  const serial = random(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  return serial;
}
