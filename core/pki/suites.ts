import { concatBytes } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { readSpki } from '../crypto/spki.ts';
import { backends, wycheproofCases } from '../crypto/suites.ts';
import { readDer } from '../der/reader.ts';
import { type Case, readVectors, type Suite } from '../vectors.ts';
import { readAlgorithmIdentifier, writeAlgorithmIdentifier } from './algorithm.ts';
import { undatedPolicy } from './algorithm-policy.ts';
import type { CertificateProfile } from './conformance.ts';
import { limboCase, limboReach, pkitsCase, pkitsReach } from './path-suites.ts';
import exceptions from './suite-exceptions.json' with { type: 'json' };
import { LinkChecker, VerifiedLinks } from './verified-links.ts';

/** For tests and the conformance command: the public suites of certificates. */

/** Where a case names no time. */
const now = new Date('2026-11-01T00:00:00Z');

const pkits = (profile: CertificateProfile) => (): readonly Case[] => {
  const data = readVectors('suites/pkits/pkits-data.json');
  return pkitsReach(readVectors('suites/pkits/cases.json'), data).map((one) =>
    pkitsCase(one, data, { time: now, profile }, nodeBackend),
  );
};

export const pkiSuites: readonly Suite[] = [
  ...backends.map(
    ([name, backend]): Suite => ({
      name: `x509-limbo, ${name}`,
      count: 138,
      exceptions: exceptions.limbo,
      mostExceptions: 8,
      mostMilliseconds: 250,
      cases: () =>
        limboReach(readVectors('suites/limbo/limbo-regen.json').testcases).map((one) =>
          limboCase(one, now, backend),
        ),
    }),
  ),
  {
    name: 'NIST PKITS, certificates by RFC 3280',
    count: 242,
    exceptions: exceptions.pkits,
    mostExceptions: 10,
    mostMilliseconds: 250,
    cases: pkits('rfc3280'),
  },
  {
    name: 'NIST PKITS, certificates by RFC 5280',
    count: 242,
    exceptions: exceptions.pkitsByRfc5280,
    mostExceptions: Object.keys(exceptions.pkitsByRfc5280).length,
    mostMilliseconds: 250,
    cases: pkits('rfc5280'),
  },
  ...backends.map(
    ([name, backend]): Suite => ({
      name: `Wycheproof, certificates, ${name}`,
      count: 3353,
      cases: () =>
        wycheproofCases(['x509'], ({ algorithm, spki }) => {
          const links = new LinkChecker(
            backend,
            new VerifiedLinks(),
            Number.POSITIVE_INFINITY,
            undatedPolicy,
          );
          const issuer = { spki, publicKeyAlgorithm: readSpki(spki) };
          const signatureAlgorithm = readAlgorithmIdentifier(readDer(writeAlgorithmIdentifier(algorithm)));
          return async (signature, tbs) => {
            const signed = { bytes: concatBytes(tbs, signature), tbs, signatureAlgorithm, signature };
            const verdict = await links.check(issuer, signed, now);
            if (verdict !== 'good' && verdict !== 'bad-signature') throw new Error(verdict);
            return verdict === 'good';
          };
        }),
    }),
  ),
];
