import { createSign } from 'node:crypto';
import { PDF } from '@libpdf/core';
import { equalBytes } from '../core/bytes.ts';
import { prepareSignedData } from '../core/cms/make.ts';
import { oids } from '../core/cms/oid.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { addSignature } from '../core/pdf/add-signature.ts';
import { prepareEvidence } from '../core/pdf/evidence.ts';
import { extendTo } from '../core/pdf/extend.ts';
import { readPdf } from '../core/pdf/read/document.ts';
import { readSignatures } from '../core/pdf/read/signature.ts';
import { keyIdentifier } from '../core/pki/authority.ts';
import { parseCertificate } from '../core/pki/certificate.ts';
import { createPostCredentials } from '../core/pki/credentials.fixture.ts';
import { parseCrl } from '../core/pki/crl.ts';
import { makeCrl } from '../core/pki/crl-make.ts';
import { certifiedSigner, keySigner } from '../core/pki/file-signer.ts';
import { validatePath } from '../core/pki/path.ts';
import { VerifiedLinks } from '../core/pki/verified-links.ts';
import { timestampAuthority } from '../core/time/authority.ts';
import { examplePost } from '../fixtures/post.ts';
import { line, perSecond, rate, times } from './measure.ts';

/** Keys, certificates and lists of a post of their own, in memory. */
async function cast() {
  const now = new Date();
  const { keys, certificates } = await createPostCredentials({
    post: { ...examplePost, holidays: [] },
    now: new Date(now.getTime() - 86_400_000),
  });
  const { root, 'issuing-ca': issuing } = certificates;
  const list = (issuer: 'root' | 'issuing-ca'): Promise<Uint8Array> =>
    makeCrl({
      issuer: certificates[issuer],
      signer: keySigner(keys[issuer]),
      number: 1,
      thisUpdate: now,
      nextUpdate: new Date(now.getTime() + 86_400_000),
      revoked: [],
    });
  return {
    root,
    issuing,
    lists: { root: await list('root'), issuing: await list('issuing-ca') },
    key: keys['document-signer'],
    signer: certifiedSigner(keys['document-signer'], certificates['document-signer'], [issuing]),
    tsa: certifiedSigner(keys.tsa, certificates.tsa, [issuing]),
  };
}

type Cast = Awaited<ReturnType<typeof cast>>;

const stampsOf = ({ tsa }: Cast) =>
  timestampAuthority({
    signer: tsa,
    policy: '1.2.3.4',
    clock: () => new Date(),
    serial: () => nodeBackend.random(16),
    accuracy: 1,
  });

/** The page signed to B-LTA as an incremental update, with what is the same for all prepared once. */
async function signsHere(page: Uint8Array, people: Cast): Promise<() => Promise<Uint8Array>> {
  const { root, issuing, lists, signer, tsa } = people;
  const stamps = stampsOf(people);
  const prepared = await prepareSignedData({
    signer,
    contentType: oids.data,
    includeChain: true,
  });
  const evidence = prepareEvidence({
    certificates: [root, issuing, signer.certificate, tsa.certificate],
    crls: [lists.root, lists.issuing],
    ocsps: [],
  });
  const sha256 = (bytes: Uint8Array) => nodeBackend.digest('sha256', bytes);
  const cms = async (covered: Uint8Array): Promise<Uint8Array> => {
    const signed = await prepared.sign({ messageDigest: await sha256(covered) });
    return signed.withTimestamp(await stamps.stamp(await sha256(signed.signature)));
  };
  return async () => {
    const place = { name: 'bench', location: 'Paris', reason: 'bench' };
    const signed = await addSignature(page, { field: 'Signature', place, time: new Date(), cms });
    return extendTo(signed, 'B-LTA', { data: evidence }, stamps);
  };
}

/** The same by @libpdf/core, which takes the same signer, authority and lists. */
function signsByPeer(page: Uint8Array, people: Cast): () => Promise<Uint8Array> {
  const { root, issuing, lists, key, signer } = people;
  const stamps = stampsOf(people);
  return async () => {
    const { bytes } = await (await PDF.load(page)).sign({
      signer: {
        certificate: signer.certificate,
        certificateChain: [issuing, root],
        keyType: 'EC',
        signatureAlgorithm: 'ECDSA',
        sign: async (data) => new Uint8Array(createSign('sha256').update(data).sign(key)),
      },
      level: 'B-LTA',
      timestampAuthority: { timestamp: (digest) => stamps.stamp(digest) as Promise<Uint8Array> },
      revocationProvider: {
        getCRL: async (certificate) => {
          if (equalBytes(certificate, root)) return null;
          return equalBytes(certificate, issuing) ? lists.root : lists.issuing;
        },
      },
    });
    return bytes;
  };
}

/** The peer asks the web for the certificates of authorities: it gets them at once, from memory. */
async function withCertificatesAtHand<T>({ root, issuing }: Cast, work: () => Promise<T>): Promise<T> {
  const known = new Map(
    [root, issuing].map((der) => [`${keyIdentifier(parseCertificate(der).spki)}.cer`, der]),
  );
  const { fetch } = globalThis;
  globalThis.fetch = async (input) => {
    const der = known.get(String(input).split('/').pop() ?? '');
    return der ? new Response(Uint8Array.from(der)) : new Response(null, { status: 404 });
  };
  try {
    return await work();
  } finally {
    globalThis.fetch = fetch;
  }
}

/** The level that the newest signature of a document has (ETSI EN 319 142-1 §6). */
export function levelOf(bytes: Uint8Array): 'B-T' | 'B-LT' | 'B-LTA' {
  const file = readPdf(bytes);
  if (!file.catalog().has('DSS')) return 'B-T';
  return readSignatures(file).some(({ kind }) => kind === 'timestamp') ? 'B-LTA' : 'B-LT';
}

function demandLasting(bytes: Uint8Array): void {
  const level = levelOf(bytes);
  if (level !== 'B-LTA') throw new Error(`the page was signed to ${level}`);
}

/** @param raw verifications of a signature in a second */
export async function lastingSignatures(page: Uint8Array, raw: number): Promise<void> {
  const people = await cast();
  const here = await signsHere(page, people);
  const peer = signsByPeer(page, people);
  const ours = await rate(here, 3);
  const theirs = await withCertificatesAtHand(people, async () => {
    for (const sign of [here, peer]) demandLasting(await sign());
    return rate(peer, 3);
  });
  line('an existing page signed to B-LTA, one core', perSecond(ours), times(ours / theirs));
  line('the same page by @libpdf/core', perSecond(theirs));
  await paths(people, raw);
}

/** A signer's path with the lists of both authorities. */
async function paths({ root, issuing, lists, signer }: Cast, raw: number): Promise<void> {
  const input = {
    leaf: parseCertificate(signer.certificate),
    intermediates: [parseCertificate(issuing)],
    anchors: [parseCertificate(root)],
    time: new Date(),
    revocation: { crls: [parseCrl(lists.root), parseCrl(lists.issuing)] },
  };
  const result = await validatePath(input, nodeBackend);
  if (!result.ok) throw new Error(result.message);
  const anew = await rate(() => validatePath(input, nodeBackend));
  const cost = `${(raw / anew).toFixed(1)} raw verifications each`;
  line('paths validated with revocation, all anew', perSecond(anew), cost);
  const verifiedLinks = new VerifiedLinks();
  const known = await rate(() => validatePath({ ...input, verifiedLinks }, nodeBackend));
  line('paths validated, their signatures known', perSecond(known));
}
