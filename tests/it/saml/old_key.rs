//! A key that aws-lc-rs can't sign with as these tests need it, so its signatures are kept: made
//! with Python's `cryptography` over [`super::fixture::ASSERTION`], and to be made anew with it.

/// A self-signed certificate of an RSA key of 2048 bits whose exponent is 3.
pub(super) const OLD_CERTIFICATE: &str = concat!(
    "MIIClTCCAX2gAwIBAgIBATANBgkqhkiG9w0BAQsFADAOMQwwCgYDVQQDDANvbGQwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEw",
    "MDAwMDBaMA4xDDAKBgNVBAMMA29sZDCCASAwDQYJKoZIhvcNAQEBBQADggENADCCAQgCggEBANdjnFCRyf9u99so2Q2nRHQyILLe",
    "j70GePXgJqfIEF2obViNFH0Sy722cizZ4KSIXP55NSGUnraXOaGRLeX4Jyy2QfdJPFE0KZKJ8wJ494fnhJ71yAq852RmvFV39Rg+",
    "4ZuuxvqOKQJINkdZCikRm/xbZiMuxn4jJp2RBiuRQ1nz1o8OFahHrgAfT+3C8VCV9+VwYppmrVIPS6fVlmvYdAldTr0iSSlPiaaM",
    "amF3UAqkiN6eODvd1RzNgNnNxqhIlTv6RidaGp0Kwq4UQaxBKF5+5/umR4CgIQZVAjkRBHOJclyk1wOoKwtW07iFuY9Divgc5XHR",
    "OhFj0Pm6xQ17d68CAQMwDQYJKoZIhvcNAQELBQADggEBAKZSE7LksHFdraWdkFnqCi3Hp68awoRA90OU4Ad4lp46c7wVAQwBVQ9s",
    "52FF53wI+M+gPR6scv17Ny90NfH93u4Sv8d/SMHriXK9YZCGBmY4/tPVOJtXgXgXflGfV/bgshP1B86qVrZr1QAMai3nmKu2IDGc",
    "/ksutwjRhCnWNE7wuQwmee9+5GHscabuTEO7QxWIQz7Lj5MY4AxT6739CCMedjM8BuWIVPt+kDOh1lrXeIruFmTfkTdeNshupyG6",
    "VB0skYi8k4fJ0IrJ2PKn8uThx94mqAV41+9+SqbEe9y7N2hO6w/vM8NkX5/iRIXwMdB74MkTlzjJzNxatAe3+3s=",
);
/// Its signature by RSA-SHA1 over the honest assertion's `SignedInfo` with a SHA-1 digest.
pub(super) const SHA1_TWICE: &str = concat!(
    "XNZNI4Xhh1o31SE8L3k33IVgACGSbo6iInQwTSMW7QOMV0aXOWa5MXQtA6vh5zyqGNOooPUeARizeyJ22SLR9ntDv/I5gLViPoHu",
    "rLEXkY91IPM5ociilnckpDWxiDFA/MDccxYRsv0D0RDB33Zmr/8HTXoAQGkAPQPrN9EmIMBiDkzHIY55FV9WgXlzLP+ZB73gC8iR",
    "9ZkpOyF8JycdESOYqLj6vmACXcIVpj8yfc/+YDsfs1aq5bQfTCZfWyntxU8/OY4aBEZcS42WFCgyExvA1zgVxZEgLwB9BMERF30e",
    "CBSas6psKAo3yMrfH6JsIgXV+PDJ500h/DrtIfTbFw==",
);
/// Its signature by RSA-SHA1 over the one with a SHA-256 digest.
pub(super) const SHA1_ONCE: &str = concat!(
    "zdH3gi/iGrDRybwq8L+OuBAeCIiokOLXLmDyC7eL63QpUooc3xyKvlmNT80szZI8A/8HF6XYfn1njE6HJIvumY8d9Wpm2gDGBQvt",
    "olEmLv73H/ZaQdhupsQbxCu847vNjZpagb8xOeuCJu/YMUFU5Z+TXqCOa6xK/pPZ5BiLncT1be4cIXBdYloFzTwTta+pSHm3tYJ+",
    "o0eui9FMy1A21jjN/HsPYKFMyUdyAIMse2K0t7bT+wQoqnQkGr9QI7c9imrgLMiRok0mCbpLTZkNB5tFrXDzWF4yznCcd/07HoPU",
    "H+HLqYKkytQmWlCp1dgCNe2mM5j5R8LN0KN23RJGCw==",
);
/// Its signature by RSA-SHA256.
pub(super) const CUBED: &str = concat!(
    "wSN2o2Cop2Ln/mr8oQeq5xkw58b5RmhtMTZ+TNwePCgO6LV57GdekKj5MTGgSAUz2kWwt2PnPcVL+kB7zdLW+kIqePTgA2QByAP7",
    "Vyvb7/h9an1gjbYVb4m1bK/W6XMRNWFd19YSa9wqabfmCntExKZWhu7YzE0OSv1+jWa3YAqZ+v6sQibe6tqiSTEac+Pb90UUD2hd",
    "j0RMr5G+nNEUhPLyIYvlqBbebMBPteZHVqPMPw0OWvzuRzLokcXimbsuFmefY766gBlfAlL6oZty1PxpvsaL4t64EIdV5avb12da",
    "D8T/xZlJCBlZMGepe8YCu75mGMCELUxnWh3FHYtHjA==",
);
/// The cube root of a padded digest with garbage behind it: what a lax check of the padding takes
/// for its signature by RSA-SHA256 (2006).
pub(super) const FORGED: &str = concat!(
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAMsv9SnrceQVYPXZ1IPUWQHWRdtN4JvLvY649x6yB6eO5OMk/3l1DsaKW7kMJcszoC/Cj8ZZV",
    "g8RKS6MHM1nhmEsB+13YlPkOnHFcyPidOtDtMzh1OQ==",
);
