import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** The keys that a post can be given for its certificates; seals are signed with P-256 always. */
export const certifiedKeyKinds = ['P-256', 'P-384', 'RSA-3072', 'RSA-4096'] as const;
export type CertifiedKeyKind = (typeof certifiedKeyKinds)[number];

/** Ed25519 is for logs (C2SP signed-note). */
export type KeyKind = CertifiedKeyKind | 'ed25519';

export function newKey(kind: KeyKind): KeyObject {
  switch (kind) {
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey;
    case 'P-256':
    case 'P-384':
      return generateKeyPairSync('ec', { namedCurve: kind }).privateKey;
    case 'RSA-3072':
    case 'RSA-4096':
      return generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(4)) }).privateKey;
  }
}

/**
 * The kind of a key that takes the place of another.
 * @param spki DER SubjectPublicKeyInfo of a key that a certificate is of
 */
export function kindOf(spki: Uint8Array): CertifiedKeyKind {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined) return modulusLength > 3072 ? 'RSA-4096' : 'RSA-3072';
  return namedCurve === 'secp384r1' ? 'P-384' : 'P-256';
}
