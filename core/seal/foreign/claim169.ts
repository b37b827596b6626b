import { ConsulError } from '../../errors.ts';
import { decodeBase45 } from '../base45.ts';
import { inflateZlib } from '../zlib.ts';
import { type LenientCbor, type LenientMap, untagged } from './lenient-cbor.ts';
import { type ForeignToken, readToken } from './token.ts';

/** A picture or measurement of a body, by MOSIP's numbers for its format. */
export interface Biometric {
  readonly data: Uint8Array;
  readonly format?: number;
  readonly subFormat?: number;
  readonly issuer?: string;
}

export type IdentityValue = string | number | Uint8Array | readonly Biometric[];

/** Attributes of MOSIP Claim 169 version 1.2 by label; those from 50 on are biometrics. */
const attributes = new Map<number, string>([
  [1, 'id'],
  [2, 'version'],
  [3, 'language'],
  [4, 'fullName'],
  [5, 'firstName'],
  [6, 'middleName'],
  [7, 'lastName'],
  [8, 'dateOfBirth'],
  [9, 'gender'],
  [10, 'address'],
  [11, 'email'],
  [12, 'phone'],
  [13, 'nationality'],
  [14, 'maritalStatus'],
  [15, 'guardian'],
  [16, 'photo'],
  [17, 'photoFormat'],
  [18, 'bestQualityFingers'],
  [19, 'secondaryFullName'],
  [20, 'secondaryLanguage'],
  [21, 'locationCode'],
  [22, 'legalStatus'],
  [23, 'countryOfIssuance'],
  [50, 'rightThumb'],
  [51, 'rightPointerFinger'],
  [52, 'rightMiddleFinger'],
  [53, 'rightRingFinger'],
  [54, 'rightLittleFinger'],
  [55, 'leftThumb'],
  [56, 'leftPointerFinger'],
  [57, 'leftMiddleFinger'],
  [58, 'leftRingFinger'],
  [59, 'leftLittleFinger'],
  [60, 'rightIris'],
  [61, 'leftIris'],
  [62, 'face'],
  [63, 'rightPalm'],
  [64, 'leftPalm'],
  [65, 'voice'],
]);
const firstBiometric = 50;

/** An identity by another issuer in the form of MOSIP Claim 169; its signature is not checked. */
export interface Claim169 {
  readonly system: 'claim169';
  readonly token: ForeignToken;
  /** By the names of the specification. */
  readonly identity: ReadonlyMap<string, IdentityValue>;
  /** Labels that version 1.2 does not have. */
  readonly unknown: readonly (string | number)[];
}

/** A Claim 169 that only the holder of a key can read. */
export interface EncryptedClaim169 {
  readonly system: 'claim169-encrypted';
}

const maximumInflated = 65_536;
const identityLabel = 169;
const maximumText = 4096;

/**
 * Reads base45 of zlib of a COSE_Sign1 or COSE_Encrypt0.
 *
 * @throws ConsulError SEAL_INVALID, CBOR_INVALID
 */
export function readClaim169(text: string): Claim169 | EncryptedClaim169 {
  const token = readToken(inflateZlib(decodeBase45(text), maximumInflated), maximumInflated);
  if ('encrypted' in token) return { system: 'claim169-encrypted' };
  const claim = untagged(token.claims.get(identityLabel));
  if (!(claim instanceof Map)) throw wrong('the token has no claim 169');
  const identity = new Map<string, IdentityValue>();
  const unknown: (string | number)[] = [];
  for (const [label, value] of claim as LenientMap) {
    const name = typeof label === 'number' ? attributes.get(label) : undefined;
    if (name === undefined) unknown.push(label);
    else identity.set(name, (label as number) >= firstBiometric ? biometrics(value) : attribute(value));
  }
  return { system: 'claim169', token, identity, unknown };
}

function attribute(value: LenientCbor): IdentityValue {
  const plain = untagged(value);
  if (typeof plain === 'string' && plain.length <= maximumText) return plain;
  if (typeof plain === 'number' && Number.isFinite(plain)) return plain;
  if (plain instanceof Uint8Array) return plain;
  if (Array.isArray(plain) && plain.every((item) => Number.isSafeInteger(item))) return plain.join(' ');
  throw wrong('an attribute of the identity is of another type');
}

/** One map or a list of them: 0 data, 1 format, 2 sub-format, 3 issuer. */
function biometrics(value: LenientCbor): readonly Biometric[] {
  const plain = untagged(value);
  const list = (Array.isArray(plain) ? plain : [plain]) as readonly LenientCbor[];
  return list.map((item) => {
    const map = untagged(item);
    const data = map instanceof Map ? untagged(map.get(0)) : undefined;
    if (!(map instanceof Map) || !(data instanceof Uint8Array))
      throw wrong('a biometric of the identity is of another type');
    const [format, subFormat, issuer] = [1, 2, 3].map((label) => untagged(map.get(label)));
    return {
      data,
      ...(typeof format === 'number' ? { format } : {}),
      ...(typeof subFormat === 'number' ? { subFormat } : {}),
      ...(typeof issuer === 'string' ? { issuer } : {}),
    };
  });
}

const wrong = (message: string): ConsulError => new ConsulError('SEAL_INVALID', message);
