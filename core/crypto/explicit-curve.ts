import { equalBytes } from '../bytes.ts';
import { readDer } from '../der/reader.ts';
import { tag } from '../der/tags.ts';
import { bitString, integer, octetString, oid, sequence } from '../der/writer.ts';
import { brainpoolCurves, type Curve, curves } from './curves.ts';

const idEcPublicKey = oid('1.2.840.10045.2.1');
const idPrimeField = oid('1.2.840.10045.1.1');

/** SpecifiedECDomain (RFC 3279 §2.3.5) as Doc 9303-12 §4.1.6 asks: uncompressed generator, with cofactor. */
function specifiedDomain(curve: Curve, seed: Uint8Array | undefined): Uint8Array {
  return sequence(
    integer(1),
    sequence(idPrimeField, integer(curve.prime)),
    sequence(octetString(curve.a), octetString(curve.b), ...(seed ? [bitString(seed)] : [])),
    octetString(curve.generator),
    integer(curve.order),
    integer(1),
  );
}

/** Every form in which the domain parameters of a known curve may be written out, ready to be compared. */
const known = [...Object.values(curves), ...Object.values(brainpoolCurves)].flatMap((curve) =>
  [undefined, curve.seed].map((seed) => ({ curve, parameters: specifiedDomain(curve, seed) })),
);

/**
 * The same key with its curve by name, where its parameters are written out and are, to the last byte, those of a curve
 * that is known; every other key comes back as it is, for `readSpki` to refuse. A key on parameters of somebody's own
 * choice would let them sign for anyone whose public key they know (CVE-2020-0601).
 *
 * @param spki DER SubjectPublicKeyInfo
 * @throws ConsulError DER_INVALID
 */
export function namedCurveSpki(spki: Uint8Array): Uint8Array {
  const [algorithm, key] = readDer(spki).sequence();
  const [identifier, parameters] = algorithm?.sequence() ?? [];
  if (!key || !identifier || parameters?.tag !== tag.sequence) return spki;
  if (!equalBytes(identifier.bytes, idEcPublicKey)) return spki;
  const match = known.find((entry) => equalBytes(entry.parameters, parameters.bytes));
  return match ? sequence(sequence(idEcPublicKey, oid(match.curve.oid)), key.bytes) : spki;
}

/**
 * The key with the parameters of its curve written out, as certificates of ICAO must have it (Doc 9303-12 §4.1.6); a key
 * that is not on a named, known curve comes back as it is.
 *
 * @param spki DER SubjectPublicKeyInfo
 * @throws ConsulError DER_INVALID
 */
export function explicitCurveSpki(spki: Uint8Array): Uint8Array {
  const [algorithm, key] = readDer(spki).sequence();
  const [, parameters] = algorithm?.sequence() ?? [];
  if (!key || parameters?.tag !== tag.oid) return spki;
  const name = parameters.oid();
  const match = known.find(({ curve }) => curve.oid === name);
  return match ? sequence(sequence(idEcPublicKey, match.parameters), key.bytes) : spki;
}
