//! How a function that answers HTTP is run.

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::http::header::SET_COOKIE;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, Error, LambdaEvent, Request, Response, Service, lambda_runtime, service_fn};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What no address may hold as it is (RFC 3986, appendix A).
const NOT_IN_QUERY: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`');
const NOT_IN_PATH: &AsciiSet = &NOT_IN_QUERY.add(b'?').add(b'{').add(b'|').add(b'}');

/// Runs `handler` behind an HTTP API of API Gateway.
///
/// `lambda_http` panics at an address that is none, and API Gateway makes such addresses: in format 2.0 `rawPath` is
/// decoded, so `/p/x%3E`, the end of a link in pointed brackets, comes as `/p/x>`. Its own way back to API Gateway knows
/// every character set there is, which no answer here needs and every zip would carry.
pub async fn run<S>(mut handler: S) -> Result<(), Error>
where
    S: Service<Request, Response = Response<Body>, Error = Error>,
{
    lambda_runtime::run(service_fn(move |LambdaEvent { mut payload, .. }: LambdaEvent<LambdaRequest>| {
        encode_address(&mut payload);
        let answered = Box::pin(handler.call(payload.into()));
        async { answered.await.map(to_event) }
    }))
    .await
}

/// An answer in format 2.0: cookies stand apart, bytes are base64.
fn to_event(answer: Response<Body>) -> ApiGatewayV2httpResponse {
    let (mut parts, body) = answer.into_parts();
    let cookies = parts.headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok().map(str::to_owned));
    let mut event = ApiGatewayV2httpResponse::default();
    event.cookies = cookies.collect();
    parts.headers.remove(SET_COOKIE);
    event.headers = parts.headers;
    event.status_code = parts.status.as_u16().into();
    event.is_base64_encoded = matches!(body, Body::Binary(_));
    event.body = if matches!(body, Body::Empty) { None } else { Some(body) };
    event
}

fn encode_address(request: &mut LambdaRequest) {
    if let LambdaRequest::ApiGatewayV2(event) = request {
        let encode = |text: &mut Option<String>, set| {
            *text = text.take().map(|text| utf8_percent_encode(&text, set).to_string());
        };
        encode(&mut event.raw_path, NOT_IN_PATH);
        encode(&mut event.raw_query_string, NOT_IN_QUERY);
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::RequestExt as _;
    use serde_json::json;

    use super::*;

    fn request(path: &str, query: &str) -> Request {
        let context = json!({"accountId": "1", "apiId": "a", "stage": "$default", "timeEpoch": 0, "http": {"method": "GET", "path": path}});
        let event = json!({"version": "2.0", "rawPath": path, "rawQueryString": query, "headers": {}, "requestContext": context, "isBase64Encoded": false});
        let mut request: LambdaRequest = serde_json::from_value(event).unwrap();
        encode_address(&mut request);
        request.into()
    }

    #[test]
    fn an_address_that_api_gateway_has_decoded_is_one_again() {
        for (path, expected) in [
            ("/p/x>", "/p/x%3E"),
            ("/p/x y\"<`|^\\{}\n", "/p/x%20y%22%3C%60%7C%5E%5C%7B%7D%0A"),
            ("/p/x?y#z", "/p/x%3Fy%23z"),
            ("/p/”é\u{a0}", "/p/%E2%80%9D%C3%A9%C2%A0"),
            // The one escape that it leaves alone.
            ("/p/x%25", "/p/x%25"),
            ("//api/webhooks/midtrans/", "//api/webhooks/midtrans/"),
            ("/p/a-b_c.~!$&'()*+,;=:@", "/p/a-b_c.~!$&'()*+,;=:@"),
        ] {
            assert_eq!(request(path, "").uri().path(), expected, "{path}");
        }
    }

    #[test]
    fn an_answer_is_handed_over_with_its_cookies_apart_and_its_bytes_encoded() {
        let answer = Response::builder()
            .status(303)
            .header("location", "/customer")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2");
        let event = serde_json::to_value(to_event(answer.body(Body::Text("Rp1”".into())).unwrap())).unwrap();
        let expected = json!({
            "statusCode": 303, "headers": {"location": "/customer"}, "multiValueHeaders": {}, "cookies": ["a=1", "b=2"],
            "body": "Rp1”", "isBase64Encoded": false,
        });
        assert_eq!(event, expected);
        let event = |body| serde_json::to_value(to_event(Response::new(body))).unwrap();
        assert_eq!(
            [&event(Body::Binary(vec![0xff]))["body"], &event(Body::Binary(vec![0xff]))["isBase64Encoded"]],
            [&json!("/w=="), &json!(true)]
        );
        assert_eq!(event(Body::Empty)["body"], json!(null));
    }

    #[test]
    fn a_query_that_is_encoded_stays_as_it_is() {
        let query = |query: &str| request("/customer", query).uri().query().map(str::to_owned);
        assert_eq!(query("a=b%20c&d=%3E+?/").as_deref(), Some("a=b%20c&d=%3E+?/"));
        assert_eq!(query("a=<b \"c\"#d").as_deref(), Some("a=%3Cb%20%22c%22%23d"));
        assert_eq!(request("/customer", "a=b%20c").query_string_parameters().first("a"), Some("b c"));
    }
}
