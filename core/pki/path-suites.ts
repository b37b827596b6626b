import type { CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import { type Case, refuse } from '../vectors.ts';
import { undatedPolicy } from './algorithm-policy.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import type { CertificateProfile } from './conformance.ts';
import { parseCrl } from './crl.ts';
import type { GeneralName } from './general-name.ts';
import { type PathInput, validatePath } from './path.ts';

/** For tests and the conformance command: x509-limbo and NIST PKITS, put to `validatePath`. */

const fromBase64 = (text: string): Uint8Array =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

const fromPem = (pem: string): Uint8Array => fromBase64(pem.replace(/-----[^-]+-----|\s/g, ''));

/** What does not parse is as if it had not been given. */
function readable<T>(structures: readonly Uint8Array[], parse: (der: Uint8Array) => T): readonly T[] {
  return structures.flatMap((der) => {
    try {
      return [parse(der)];
    } catch (error) {
      if (error instanceof ConsulError) return [];
      throw error;
    }
  });
}

async function leafWithPath(
  leafDer: Uint8Array,
  input: Omit<PathInput, 'leaf'>,
  backend: CryptoBackend,
): Promise<Certificate> {
  const leaf = parseCertificate(leafDer);
  const result = await validatePath({ ...input, leaf }, backend);
  return result.ok ? leaf : refuse(`${result.reason}: ${result.message}`);
}

interface PeerName {
  readonly kind: 'DNS' | 'IP' | 'RFC822';
  readonly value: string;
}

interface LimboCase {
  readonly id: string;
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly validation_time: string | null;
  readonly extended_key_usage: readonly string[];
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly expected_peer_name: PeerName | null;
  readonly max_chain_depth: number | null;
  readonly crls: readonly string[];
}

const purposes: Readonly<Record<string, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
};

/** The comparison of a TLS client (RFC 9525), which stands beside path validation. */
function isPeer(certificate: Certificate, peer: PeerName): boolean {
  return (certificate.extensions.subjectAltNames ?? []).some((name: GeneralName) => {
    if (name.form === 'email') return peer.kind === 'RFC822' && name.value === peer.value;
    if (name.form === 'ip') {
      if (peer.kind !== 'IP') return false;
      return name.value.length === 4
        ? name.value.join('.') === peer.value
        : peer.value === '::1' && name.value.every((octet, i) => octet === (i === 15 ? 1 : 0));
    }
    if (name.form !== 'dns' || peer.kind !== 'DNS') return false;
    const wild = name.value.startsWith('*.') ? name.value.slice(1) : undefined;
    return wild ? peer.value.replace(/^[^.]+/, '') === wild : name.value === peer.value;
  });
}

/** The cases without TLS (`webpki`) and network (`online`). */
export const limboReach = (cases: readonly LimboCase[]): readonly LimboCase[] =>
  cases.filter(({ id }) => !/^(webpki|online)::/.test(id));

/** @param now where a case names no time */
export function limboCase(limbo: LimboCase, now: Date, backend: CryptoBackend): Case {
  const purpose = limbo.extended_key_usage.map((name) => purposes[name])[0];
  const run = async (): Promise<void> => {
    const leaf = await leafWithPath(
      fromPem(limbo.peer_certificate),
      {
        intermediates: readable(limbo.untrusted_intermediates.map(fromPem), parseCertificate),
        anchors: readable(limbo.trusted_certs.map(fromPem), parseCertificate),
        algorithms: undatedPolicy,
        time: limbo.validation_time === null ? now : new Date(limbo.validation_time),
        ...(purpose && { extendedKeyUsage: { oid: purpose, form: 'permitted' } }),
        ...(limbo.max_chain_depth !== null && { maxIntermediates: limbo.max_chain_depth }),
        ...(limbo.crls.length > 0 && { revocation: { crls: readable(limbo.crls.map(fromPem), parseCrl) } }),
      },
      backend,
    );
    if (limbo.expected_peer_name && !isPeer(leaf, limbo.expected_peer_name)) refuse('another peer');
  };
  return { name: limbo.id, mustPass: limbo.expected_result === 'SUCCESS', run };
}

interface PkitsCase {
  readonly name: string;
  readonly trustedCertificates: readonly string[];
  /** The leaf is last. */
  readonly certificates: readonly string[];
  readonly crls: readonly string[];
  readonly successExpected: boolean;
  readonly verifyParameters?: {
    readonly initialPolicySet?: readonly string[];
    readonly initialExplicitPolicy?: boolean;
    readonly initialPolicyMappingInhibit?: boolean;
    readonly initialInhibitPolicy?: boolean;
  };
}

/** Base64 of every file by its name. */
interface PkitsData {
  readonly certs: Readonly<Record<string, string>>;
  readonly crls: Readonly<Record<string, string>>;
}

/** The settings whose files are all there: the case table misspells seven. */
export const pkitsReach = (cases: readonly PkitsCase[], data: PkitsData): readonly PkitsCase[] =>
  cases.filter(
    (pkits) =>
      [...pkits.trustedCertificates, ...pkits.certificates].every((file) => data.certs[file] !== undefined) &&
      pkits.crls.every((file) => data.crls[file] !== undefined),
  );

export function pkitsCase(
  pkits: PkitsCase,
  data: PkitsData,
  setting: { readonly time: Date; readonly profile: CertificateProfile },
  backend: CryptoBackend,
): Case {
  const load = (files: readonly string[], from: Readonly<Record<string, string>>): readonly Uint8Array[] =>
    files.map((file) => fromBase64(from[file] ?? ''));
  const wanted = pkits.verifyParameters ?? {};
  const run = async (): Promise<void> => {
    await leafWithPath(
      load(pkits.certificates.slice(-1), data.certs)[0] ?? new Uint8Array(),
      {
        intermediates: readable(load(pkits.certificates.slice(0, -1), data.certs), parseCertificate),
        anchors: readable(load(pkits.trustedCertificates, data.certs), parseCertificate),
        time: setting.time,
        profile: setting.profile,
        policies: {
          ...(wanted.initialPolicySet && { initial: wanted.initialPolicySet }),
          requireExplicit: wanted.initialExplicitPolicy === true,
          inhibitMapping: wanted.initialPolicyMappingInhibit === true,
          inhibitAny: wanted.initialInhibitPolicy === true,
        },
        algorithms: undatedPolicy,
        revocation: { crls: readable(load(pkits.crls, data.crls), parseCrl) },
      },
      backend,
    );
  };
  return { name: pkits.name, mustPass: pkits.successExpected, run };
}
