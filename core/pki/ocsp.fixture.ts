import { createHash, sign } from 'node:crypto';
import { readDer } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import {
  bitString,
  element,
  explicit,
  generalizedTime,
  implicit,
  integer,
  nul,
  octetString,
  oid,
  sequence,
} from '../der/writer.ts';
import { commonName, type Party } from './fixture.ts';

/** OCSP responses of any shape, right and wrong, for tests. */
const hashOids: Readonly<Record<string, string>> = {
  md5: '1.2.840.113549.2.5',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
};

const keyBits = ({ spki }: Party): Uint8Array => readDer(spki).sequence()[1]?.bitOctets() as Uint8Array;
const digest = (hash: string, data: Uint8Array): Uint8Array =>
  new Uint8Array(createHash(hash).update(data).digest());

export const certId = (issuer: Party, serial: Uint8Array, hash = 'sha1'): Uint8Array =>
  sequence(
    sequence(oid(hashOids[hash] as string), nul),
    octetString(digest(hash, commonName(issuer.name))),
    octetString(digest(hash, keyBits(issuer))),
    integer(serial),
  );

export const statuses = {
  good: implicit(contextTag(0, false), nul),
  unknown: implicit(contextTag(2, false), nul),
  revoked: (date: Date, reason?: number): Uint8Array =>
    element(
      contextTag(1, true),
      generalizedTime(date),
      ...(reason === undefined ? [] : [explicit(0, element(tag.enumerated, Uint8Array.of(reason)))]),
    ),
};

export interface SingleShape {
  readonly certId: Uint8Array;
  readonly status?: Uint8Array;
  readonly thisUpdate?: Uint8Array;
  /** Null: none. */
  readonly nextUpdate?: Uint8Array | null;
  /** DER of extensions. */
  readonly extensions?: readonly Uint8Array[];
}

const at = (text: string): Uint8Array => generalizedTime(new Date(text));

export const single = (shape: SingleShape): Uint8Array =>
  sequence(
    shape.certId,
    shape.status ?? statuses.good,
    shape.thisUpdate ?? at('2026-06-01T00:00:00Z'),
    ...(shape.nextUpdate === null ? [] : [explicit(0, shape.nextUpdate ?? at('2026-06-02T00:00:00Z'))]),
    ...(shape.extensions ? [explicit(1, sequence(...shape.extensions))] : []),
  );

export interface ResponseShape {
  readonly signer: Party;
  /** DER SingleResponses. */
  readonly responses: readonly Uint8Array[];
  readonly certificates?: readonly Uint8Array[];
  /** DER ResponderID. */
  readonly responder?: Uint8Array;
  readonly version?: Uint8Array;
  readonly producedAt?: Uint8Array;
  readonly extensions?: readonly Uint8Array[];
  readonly algorithm?: Uint8Array;
  /** What is signed in place of the response data. */
  readonly signed?: Uint8Array;
  readonly status?: Uint8Array;
  readonly type?: string;
  /** More fields at the end of the ResponseData. */
  readonly more?: readonly Uint8Array[];
}

export const responderByKey = (party: Party): Uint8Array =>
  explicit(2, octetString(digest('sha1', keyBits(party))));
export const responderByName = (party: Party): Uint8Array => explicit(1, commonName(party.name));

export function ocspResponse(shape: ResponseShape): Uint8Array {
  const { signer } = shape;
  const tbs = sequence(
    ...(shape.version ? [shape.version] : []),
    shape.responder ?? responderByKey(signer),
    shape.producedAt ?? at('2026-06-01T00:00:00Z'),
    sequence(...shape.responses),
    ...(shape.extensions ? [explicit(1, sequence(...shape.extensions))] : []),
    ...(shape.more ?? []),
  );
  const value = new Uint8Array(sign('sha256', shape.signed ?? tbs, signer.privateKey));
  const basic = sequence(
    tbs,
    shape.algorithm ?? sequence(oid('1.2.840.10045.4.3.2')),
    bitString(value),
    ...(shape.certificates ? [explicit(0, sequence(...shape.certificates))] : []),
  );
  return sequence(
    shape.status ?? element(tag.enumerated, Uint8Array.of(0)),
    explicit(0, sequence(oid(shape.type ?? '1.3.6.1.5.5.7.48.1.1'), octetString(basic))),
  );
}
