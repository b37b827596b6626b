import { equalBytes, fromUtf8, utf8 } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import { prepareCose, protectedKid, readCose, signCose, toBeSigned } from '../seal/cose.ts';
import { parseCertificate } from './certificate.ts';
import { coseAlgorithmOf, signatureAlgorithmOf } from './cose-algorithm.ts';
import type { Signer } from './signer.ts';

// Text under a signature, as COSE_Sign1 (RFC 9052 §4.2): anyone can read the text without CBOR.

const maxBytes = 1024 * 1024;

/** The first bytes of the certificate's SHA-256 name it in the header. */
const kidLength = 8;

export async function signStatement(
  text: string,
  by: { readonly signer: Signer; readonly certificate: Uint8Array },
  digest: CryptoBackend['digest'],
): Promise<Uint8Array> {
  const kid = (await digest('sha256', by.certificate)).subarray(0, kidLength);
  const prepared = prepareCose(coseAlgorithmOf(by.signer.algorithm), kid);
  return signCose(utf8(text), prepared, (data) => by.signer.sign(data));
}

/** @returns the text, where it was signed with the key of this certificate; never throws for what was not */
export async function openStatement(
  bytes: Uint8Array,
  certificate: Uint8Array,
  backend: CryptoBackend,
): Promise<{ readonly text: string } | { readonly fault: string }> {
  try {
    const cose = readCose(bytes, maxBytes);
    const fingerprint = await backend.digest('sha256', certificate);
    const kid = protectedKid(cose);
    const algorithm = signatureAlgorithmOf(cose.algorithm);
    if (!algorithm || !kid || !equalBytes(kid, fingerprint.subarray(0, kidLength)))
      return { fault: 'its header names another key or algorithm' };
    const { spki } = parseCertificate(certificate);
    const key = await backend.importPublicKey(algorithm, spki);
    if (!(await key.verify(cose.signature, toBeSigned(cose)))) return { fault: 'its signature is wrong' };
    return { text: fromUtf8(cose.payload) };
  } catch (cause) {
    if (cause instanceof TypeError) return { fault: 'it holds no text' };
    if (cause instanceof ConsulError) return { fault: cause.message };
    throw cause;
  }
}
