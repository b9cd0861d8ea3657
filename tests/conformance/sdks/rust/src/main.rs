// SPDX-License-Identifier: Apache-2.0
//
// Serves all services of the contract over cleartext HTTP/2 on the loopback interface, on the port
// named by PORT, until SIGTERM. E2E_REQUEST_SIGNING names the public key whose signature every
// request must carry, E2E_REQUEST_RESPONSE asks for the mode without streams both ways.

use std::convert::Infallible;
use std::env;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use restate_sdk::endpoint::{HandleOptions, ProtocolMode};
use restate_sdk::prelude::*;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

mod failing;
mod interpreter;
mod objects;
mod trees;
mod utilities;

fn endpoint() -> Endpoint {
    let builder = Endpoint::builder()
        .bind(objects::Counter)
        .bind(objects::ListObject)
        .bind(objects::MapObject)
        .bind(objects::AwakeableHolder)
        .bind(failing::Failing)
        .bind(failing::NonDeterministic)
        .bind(trees::CancelTestRunner)
        .bind(trees::CancelTestBlockingService)
        .bind(trees::KillTestRunner)
        .bind(trees::KillTestSingleton)
        .bind(utilities::Proxy)
        .bind(utilities::TestUtilsService)
        .bind(utilities::ScopedWorker)
        .bind(interpreter::VirtualObjectCommandInterpreter)
        .bind(interpreter::BlockAndWaitWorkflow);
    match env::var("E2E_REQUEST_SIGNING") {
        Ok(key) => builder.identity_key(&key).expect("a public key").build(),
        Err(_) => builder.build(),
    }
}

fn options() -> HandleOptions {
    let protocol_mode = match env::var("E2E_REQUEST_RESPONSE") {
        Ok(_) => ProtocolMode::RequestResponse,
        Err(_) => ProtocolMode::BidiStream,
    };
    HandleOptions { protocol_mode }
}

async fn serve(listener: TcpListener, endpoint: Endpoint) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let endpoint = endpoint.clone();
        let handle = service_fn(move |request: hyper::Request<Incoming>| {
            let response = endpoint.handle_with_options(request, options());
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), handle);
        tokio::spawn(connection);
    }
}

#[tokio::main]
async fn main() {
    let port = env::var("PORT").expect("PORT must be set");
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a free port");
    let mut end = signal(SignalKind::terminate()).expect("a handler of SIGTERM");
    tokio::select! {
        () = serve(listener, endpoint()) => {}
        _ = end.recv() => {}
    }
}
