import { utf8 } from '../bytes.ts';

/** What the metadata stream says about a document. */
export interface Metadata {
  readonly title: string;
  /** BCP 47. */
  readonly language: string;
  readonly created: Date;
  readonly producer: string;
}

/** An XMP packet (ISO 16684-1). It claims no PDF/A or PDF/UA part. */
export function xmpPacket({ title, language, created, producer }: Metadata): Uint8Array {
  const date = `${created.toISOString().slice(0, 19)}Z`;
  return utf8(
    `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">${escaped(title)}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>${escaped(language)}</rdf:li></rdf:Bag></dc:language>
<xmp:CreateDate>${date}</xmp:CreateDate>
<xmp:ModifyDate>${date}</xmp:ModifyDate>
<pdf:Producer>${escaped(producer)}</pdf:Producer>
</rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`,
  );
}

/** The slash too: no text of a person may look like a PDF name to a program that searches the raw file. */
const escaped = (text: string): string =>
  text.replace(/[<>&"'/]|[^\P{Cc}\n]/gu, (character) =>
    /\p{Cc}/u.test(character) ? '\ufffd' : `&#${character.codePointAt(0)};`,
  );
