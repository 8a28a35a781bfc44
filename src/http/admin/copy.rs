//! `GET /admin/v1/store`: a copy of all that the store holds, while it is in use.

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream::unfold;

use super::in_charge;
use crate::http::Surface;

/// A stream that `rolegate store import` takes in. One that breaks off was not whole, and says so there.
pub(super) async fn answer(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    if let Err(error) = in_charge(&request, &surface) {
        return error.answer();
    }
    let pieces = surface.context(&request).copy_store();
    let stream = unfold(pieces, async |mut pieces| {
        let piece = pieces.recv().await?;
        let piece = piece.map(web::Bytes::from).inspect_err(|fault| {
            tracing::error!(fault = fault.to_string(), "the copy of the store breaks off");
        });
        Some((piece, pieces))
    });
    HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header(("cache-control", "no-store"))
        .insert_header(("content-disposition", "attachment; filename=\"rolegate-store\""))
        .streaming(stream)
}
