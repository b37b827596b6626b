import serialize from 'canonicalize';
import { utf8 } from '../../bytes.ts';
import { ConsulError } from '../../errors.ts';
import type { JsonObject, JsonValue } from './hcert.ts';

/** The module is CommonJS with its function as the whole export, and typed as if it were not. */
const canonicalize = serialize as unknown as typeof serialize.default;

/** An ICAO digital seal for non-constrained environments (VDS-NC 1.0); its signature is not checked. */
export interface VdsNc {
  readonly system: 'vds-nc';
  /** For example `icao.vacc`, `icao.test`. */
  readonly type: string;
  readonly version: number;
  /** ICAO three-letter code. */
  readonly issuer: string;
  readonly message: JsonObject;
  /** JOSE name, for example ES256. */
  readonly algorithm: string;
  /** DER of the signer's certificate, where it is inside. */
  readonly certificate?: Uint8Array;
  /** Base64url of the reference, where the certificate is not inside. */
  readonly reference?: string;
  /** r||s. */
  readonly signature: Uint8Array;
  /** RFC 8785 form of `data`. */
  readonly toBeSigned: Uint8Array;
}

const maximumDepth = 16;

/**
 * Reads the JSON of a VDS-NC (ICAO technical report VDS-NC 1.0 §3).
 *
 * @throws ConsulError SEAL_INVALID
 */
export function readVdsNc(text: string): VdsNc {
  const root = parse(text);
  const { data, sig } = object(root, 'the seal');
  const { hdr, msg } = object(data, 'data');
  const { t, v, is } = object(hdr, 'data/hdr');
  const { alg, cer, certref, sigvl } = object(sig, 'sig');
  if (typeof t !== 'string' || !/^icao\.[a-z]{1,20}$/.test(t))
    throw wrong('the type of the seal is malformed');
  if (!Number.isInteger(v) || (v as number) < 1) throw wrong('the version of the seal is malformed');
  if (typeof is !== 'string' || !/^[A-Z<]{1,3}$/.test(is)) throw wrong('the issuer of the seal is malformed');
  if (typeof alg !== 'string') throw wrong('the seal names no algorithm');
  return {
    system: 'vds-nc',
    type: t,
    version: v as number,
    issuer: is,
    message: object(msg, 'data/msg'),
    algorithm: alg,
    ...(cer === undefined ? {} : { certificate: base64Url(cer) }),
    ...(typeof certref === 'string' ? { reference: certref } : {}),
    signature: base64Url(sigvl),
    toBeSigned: utf8(canonicalize(data) as string),
  };
}

function parse(text: string): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new ConsulError('SEAL_INVALID', 'the seal is not JSON', { cause });
  }
  demandShallow(value, 0);
  return value;
}

function demandShallow(value: JsonValue, depth: number): void {
  if (depth > maximumDepth) throw wrong(`the seal nests deeper than ${maximumDepth} levels`);
  if (typeof value === 'string' && /\p{Surrogate}/u.test(value))
    throw wrong('a text of the seal is not Unicode');
  if (typeof value === 'object' && value !== null)
    for (const [name, inner] of Object.entries(value)) {
      demandShallow(name, depth);
      demandShallow(inner, depth + 1);
    }
}

function object(value: JsonValue | undefined, where: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(`${where} is not an object`);
  return value as JsonObject;
}

function base64Url(value: JsonValue | undefined): Uint8Array {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_+/-]*={0,2}$/.test(value))
    throw wrong('the seal holds malformed base64url');
  try {
    const binary = atob(value.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, ''));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new ConsulError('SEAL_INVALID', 'the seal holds malformed base64url', { cause });
  }
}

const wrong = (message: string): ConsulError => new ConsulError('SEAL_INVALID', message);
