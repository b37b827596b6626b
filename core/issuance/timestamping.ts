import { nodeBackend } from '../crypto/node.ts';
import { certificateProfiles } from '../pki/profiles.ts';
import { serialNumber } from '../pki/serial.ts';
import type { CertifiedSigner } from '../pki/signer.ts';
import { type TimestampAuthority, timestampAuthority } from '../time/authority.ts';
import type { TimestampSource } from '../time/source.ts';

/** The own timestamp authority's policy is the one in its certificate. */
export const timestampPolicy = certificateProfiles.tsa.policies?.[0] ?? '2.5.29.32.0';

/** The time-stamp authority of the post itself. @param skeleton of its tokens, from an earlier time */
export const ownAuthority = (signer: CertifiedSigner, skeleton?: Uint8Array): TimestampAuthority =>
  timestampAuthority({
    signer,
    policy: timestampPolicy,
    clock: () => new Date(),
    serial: () => serialNumber(nodeBackend.random),
    accuracy: 1,
    ...(skeleton ? { skeleton } : {}),
  });

/** By how much ECDSA values, fractions of a second and serial numbers let one token be longer than another. */
export const tokenVariation = 32;

/** Bytes of DER for a document timestamp of an authority at an address, which may send a long chain. */
export const roomForRemote = 12 * 1024;

/** The same for one of the own authority, as a trial shows. */
export async function roomForOwn(own: TimestampSource): Promise<number> {
  return (await own.stamp(new Uint8Array(32))).length + tokenVariation;
}
