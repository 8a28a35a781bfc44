//! Checks of a document's form: reading it, its structure, its signatures, its encryption.

use super::{Known, personal, plain};

pub(super) const CHECKS: &[Known] = &[
    // Reading.
    plain(
        &["saml.base64"],
        "Give the value of the form field SAMLResponse whole, as the browser posts it: base64 of XML.",
    ),
    plain(
        &["saml.size", "saml.xml.size", "saml.xml.nodes", "saml.xml.depth", "saml.xml.attributes"],
        "No honest response is that large: let the provider send fewer attributes, or only the groups \
         that matter here.",
    ),
    plain(
        &["saml.xml", "saml.xml.encoding", "saml.xml.version", "saml.xml.character"],
        "The provider must send XML 1.0 in UTF-8. Make sure that the capture is not cut or re-encoded.",
    ),
    plain(
        &["saml.xml.doctype", "saml.xml.comment", "saml.xml.cdata"],
        "Let the provider leave comments, CDATA sections and document types out: they are how documents \
         are made to read differently to different readers. If it does not write them, somebody else did.",
    ),
    personal(
        &["saml.xml.processing-instruction", "saml.xml.entity"],
        "Let the provider leave processing instructions and entities of its own out. If it does not write \
         them, somebody else did.",
    ),
    personal(
        &["saml.xml.markup", "saml.xml.root", "saml.xml.namespace", "saml.xml.duplicate-attribute"],
        "This is not well-formed XML with namespaces. Make sure that the capture is whole and was not \
         edited.",
    ),
    // Structure.
    plain(
        &["saml.structure.root"],
        "Post a whole samlp:Response, not a bare assertion, request, logout message or metadata.",
    ),
    plain(
        &["saml.structure", "saml.structure.child", "saml.structure.order", "saml.structure.text"],
        "Let the provider send what the SAML schema has, in its order and without extensions. If it does, \
         this copy is damaged, or it was rearranged on its way to you: treat that as an attack.",
    ),
    plain(
        &[
            "saml.structure.assertion-count",
            "saml.structure.assertion-place",
            "saml.structure.response-place",
            "saml.signature.place",
            "saml.signature.count",
        ],
        "A response has one assertion, and signatures in it or in the response alone. Anything else is the \
         shape of a wrapping attack: find out who made this document.",
    ),
    personal(
        &[
            "saml.structure.id",
            "saml.structure.id-namespace",
            "saml.structure.id-unique",
            "saml.signature.reference-uri",
        ],
        "Every signed element needs an ID of its own, and its signature must refer to that. Anything else \
         is the shape of a wrapping attack: find out who made this document.",
    ),
    plain(
        &["saml.structure.version", "saml.structure.status"],
        "Let the provider speak SAML 2.0: Version=\"2.0\", and one Status.",
    ),
    personal(
        &["saml.status"],
        "The provider itself refused the login: its own log knows why. Often the person may not use this \
         application there, or did not finish signing in.",
    ),
    // Metadata.
    plain(
        &["saml.metadata-expired"],
        "Refresh the provider's metadata: what is here was valid until the time that is shown.",
    ),
    plain(
        &["saml.metadata-missing"],
        "The provider's metadata was never fetched here, and no copy is kept: start the broker once where it \
         can reach the address, or save the metadata as a file.",
    ),
    // Signatures.
    plain(
        &["saml.signature.absent"],
        "Let the provider sign the assertion (often an option of its own beside signing the response). \
         Where it can't, accept = [\"signed-response\"] takes its signature over the response.",
    ),
    plain(
        &["saml.signature", "saml.signature.value"],
        "The content of SignedInfo does not fit the signature. If the certificate that it names is known, \
         the document was changed after it was signed; if it names none, refresh the metadata first.",
    ),
    plain(
        &["saml.signature.digest"],
        "The document was changed after it was signed: by a proxy, by an editor that reformats XML, or by \
         an attacker. Capture it again as the browser posts it.",
    ),
    plain(
        &["saml.signature.key"],
        "The signature's algorithm is for another type of key than the metadata has: refresh the metadata, \
         or let the provider sign with the key that it publishes.",
    ),
    plain(
        &["saml.signature.algorithm", "saml.signature.digest-algorithm"],
        "Let the provider sign with SHA-256. Where it can't, accept = [\"sha1\"] bears SHA-1, at a risk.",
    ),
    plain(
        &[
            "saml.signature.canonicalization",
            "saml.signature.transforms",
            "saml.signature.reference-count",
            "saml.signature.structure",
            "saml.signature.canonical-size",
        ],
        "A SAML signature has one reference, the enveloped-signature transform and exclusive \
         canonicalization (SAML Core 5.4). Set the provider's signature profile to that.",
    ),
    // Encryption.
    plain(
        &["saml.encryption.required"],
        "Let the provider encrypt assertions with our certificate, or set encryption = \"allowed\".",
    ),
    plain(
        &["saml.encrypted", "saml.encryption.content"],
        "What is encrypted can't be used here: let the provider send assertions in clear, or encrypt \
         whole assertions with a key of ours.",
    ),
    plain(
        &["saml.encryption.not-configured"],
        "Let the provider send assertions in clear, or give the [[provider]] keys of its own and send it our \
         metadata anew.",
    ),
    plain(
        &["saml.encryption", "saml.encryption.failed"],
        "It is encrypted with a certificate that is not ours, or no longer: send the provider our metadata \
         anew, and keep the old key in keys until it has changed over.",
    ),
    plain(
        &[
            "saml.encryption.algorithm",
            "saml.encryption.key-transport",
            "saml.encryption.key-size",
            "saml.encryption.oaep",
        ],
        "Let the provider encrypt with AES-GCM, and the content key with RSA-OAEP, by one hash for both \
         digest and mask.",
    ),
    plain(
        &["saml.encryption.cbc", "saml.encryption.cbc-unauthenticated"],
        "Let the provider encrypt with AES-GCM. Where it can't, accept = [\"aes-cbc\"] takes AES-CBC in \
         signed responses.",
    ),
    plain(
        &[
            "saml.encryption.structure",
            "saml.encryption.place",
            "saml.encryption.data-count",
            "saml.encryption.key-count",
            "saml.encryption.key-missing",
            "saml.encryption.key-info",
            "saml.encryption.length",
            "saml.encryption.size",
        ],
        "Let the provider send one EncryptedData with its EncryptedKey in it or beside it, as XML Encryption \
         has them, and nothing else.",
    ),
    personal(
        &[
            "saml.encryption.attribute",
            "saml.encryption.encoding",
            "saml.encryption.key-reference",
            "saml.encryption.mime-type",
            "saml.encryption.oaep-params",
            "saml.encryption.reference",
            "saml.encryption.type",
        ],
        "Let the provider leave out what XML Encryption allows and SAML has no use for: parameters, \
         references to elsewhere, encodings.",
    ),
];
