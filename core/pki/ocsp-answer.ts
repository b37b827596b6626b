import { equalBytes } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { type AlgorithmPolicy, algorithmPolicy } from './algorithm-policy.ts';
import type { Certificate } from './certificate.ts';
import type { OcspResponse } from './ocsp.ts';
import { type OcspVerdict, ocspEvidence } from './ocsp-evidence.ts';
import { validatePath } from './path.ts';
import { LinkChecker, VerifiedLinks } from './verified-links.ts';

export interface AnswerInput {
  readonly response: OcspResponse;
  readonly certificate: Certificate;
  /** The authority that issued it, already trusted. */
  readonly issuer: Certificate;
  /** When the answer is to be fresh. */
  readonly at: Date;
  /** That of the request, where it had one: the answer must then carry the same. */
  readonly nonce?: Uint8Array;
  readonly algorithms?: AlgorithmPolicy;
}

/**
 * Judges the answer to a question: what a client of OCSP does with a response that it has just received (RFC 6960
 * §3.2). A delegated responder needs id-pkix-ocsp-nocheck here; with CRLs at hand `validatePath` judges without it.
 */
export async function checkOcspAnswer(input: AnswerInput, backend: CryptoBackend): Promise<OcspVerdict> {
  const { response, certificate, issuer, at, nonce, algorithms = algorithmPolicy } = input;
  if (nonce && !(response.nonce && equalBytes(nonce, response.nonce)))
    return { status: 'unusable', reason: 'nonce', message: 'the OCSP response is not for this request' };
  return ocspEvidence(response, certificate, issuer, {
    at,
    links: new LinkChecker(backend, new VerifiedLinks(), 2 * (response.certificates.length + 1), algorithms),
    digest: backend.digest,
    responderDefect: async (responder, authority) => {
      const path = { leaf: responder, intermediates: [], anchors: [authority], time: at, algorithms };
      const result = await validatePath(path, backend);
      return result.ok ? undefined : result.message;
    },
    responderStatus: async () => 'unknown',
  });
}
