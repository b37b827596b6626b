import { digestLengths, readDigestAlgorithm } from '../cms/algorithm.ts';
import { membersOf } from '../cms/members.ts';
import { type DerNode, readDer } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import { readExtensionList } from '../pki/extensions.ts';
import { type GeneralName, readGeneralName } from '../pki/general-name.ts';
import type { Imprint } from './imprint.ts';
import { refuse } from './reason.ts';

/** TSTInfo (RFC 3161 §2.4.2), what a time-stamp authority signs. */
export interface TstInfo {
  readonly policy: string;
  readonly imprint: Imprint;
  /** Content octets of the INTEGER, not negative. */
  readonly serial: Uint8Array;
  /** To the millisecond; what is finer is cut off. */
  readonly genTime: Date;
  /** Half the width of the interval around genTime, in milliseconds; undefined where the token does not say. */
  readonly accuracy: number | undefined;
  readonly ordering: boolean;
  readonly nonce: bigint | undefined;
  readonly tsa: GeneralName | undefined;
  /** Identifiers of the extensions, none of them critical. */
  readonly extensions: readonly string[];
}

function readImprint(node: DerNode): Imprint {
  const members = membersOf(node);
  const algorithm = readDigestAlgorithm(members.required('hashAlgorithm'));
  const digest = members.required('hashedMessage').octets();
  members.end();
  if (!algorithm) return refuse('imprint-algorithm', 'the imprint is made with a hash that is not accepted');
  if (digest.length !== digestLengths[algorithm])
    node.fail(`an imprint of ${digest.length} bytes for ${algorithm}`);
  return { algorithm, digest };
}

/** `[number] IMPLICIT INTEGER (1..999)`. */
function readThousandths(node: DerNode | undefined): number {
  if (!node) return 0;
  const value = node.implicit(tag.integer).integer();
  if (value < 1 || value > 999) node.fail('a fraction of the accuracy outside 1 to 999');
  return value;
}

function readAccuracy(node: DerNode): number {
  const members = membersOf(node);
  const seconds = members.optional(tag.integer)?.integer() ?? 0;
  const millis = readThousandths(members.optional(contextTag(0, false)));
  const micros = readThousandths(members.optional(contextTag(1, false)));
  members.end();
  if (seconds < 0) node.fail('a negative accuracy');
  return seconds * 1000 + millis + micros / 1000;
}

function readExtensions(node: DerNode | undefined): readonly string[] {
  if (!node) return [];
  // [1] IMPLICIT Extensions.
  const list = readExtensionList(node.implicit(tag.sequence));
  for (const [oid, { critical }] of list)
    if (critical) refuse('tst-extension', `the critical extension ${oid} of the token is not known`);
  return [...list.keys()];
}

/**
 * Reads TSTInfo strictly.
 * @throws ConsulError DER_INVALID, or CMS_INVALID whose first detail names the reason
 */
export function readTstInfo(der: Uint8Array): TstInfo {
  const members = membersOf(readDer(der));
  const version = members.required('version').integer();
  if (version !== 1) refuse('tst-version', `a token of version ${version}`);
  const policy = members.required('policy').oid();
  const imprint = readImprint(members.required('messageImprint'));
  const serialNode = members.required('serialNumber');
  const serial = serialNode.expect(tag.integer).content;
  const genTime = members.required('genTime').expect(tag.generalizedTime).time({ fraction: true });
  const accuracy = members.optional(tag.sequence);
  const ordering = members.optional(tag.boolean);
  const nonce = members.optional(tag.integer);
  const tsa = members.optional(contextTag(0, true));
  const extensions = members.optional(contextTag(1, true));
  members.end();

  // RFC 3161 §2.4.2: up to 160 bits; 21 octets where the highest bit is set.
  if (serial.length > 21 || (serial[0] as number) >= 0x80)
    serialNode.fail('a serial number that is negative or above 160 bits');
  // X.690 §11.5: a DEFAULT value is never encoded.
  if (ordering && !ordering.boolean()) ordering.fail('the default of ordering written out');
  return {
    policy,
    imprint,
    serial,
    genTime,
    accuracy: accuracy && readAccuracy(accuracy),
    ordering: ordering !== undefined,
    nonce: nonce?.bigint(),
    tsa: tsa && readGeneralName(tsa.explicit(tsa.tag)),
    extensions: readExtensions(extensions),
  };
}
