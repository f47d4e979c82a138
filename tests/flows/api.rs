//! The HTTP functions as the flows call them: each answer is held against the document of the API on its way.

use lambda_http::{Body, Request, Response};

use crate::contract;

macro_rules! held_to_the_contract {
    ($($function:ident($state:ty)),* $(,)?) => {
        $(pub mod $function {
            use super::{Body, Request, Response, contract};

            pub async fn handle(state: &$state, request: Request) -> Response<Body> {
                let asked = contract::Asked::of(&request);
                let response = Box::pin(::$function::handle(state, request)).await;
                contract::check(&asked, &response);
                response
            }
        })*
    };
}

held_to_the_contract!(
    check_payment(cloud::app::App),
    create_payment_link(cloud::app::App),
    customer_account(::customer_account::AccountApi),
    customer_session(cloud::app::App),
    device_status(::device_status::DeviceStatus),
    receive_status(cloud::app::App),
    receive_webhook(cloud::app::App),
    request_upgrade(cloud::app::App),
);
