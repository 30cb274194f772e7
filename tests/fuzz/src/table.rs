//! A table in which one business exists, that keeps nothing, and remembers what it was to keep.

use std::cell::RefCell;
use std::rc::Rc;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region, retry::RetryConfig};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// The table's name.
const NAME: &str = "ledger";

thread_local!(static PUT: Rc<RefCell<Vec<Value>>> = Rc::default());

/// A client of the table.
pub fn client() -> aws_sdk_dynamodb::Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(http_client_fn(|_, _| SharedHttpConnector::new(Table)))
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// The items of this thread's batches since this was last asked.
pub fn take_items() -> Vec<Value> {
    PUT.with(|put| std::mem::take(&mut *put.borrow_mut()))
}

#[derive(Debug)]
struct Table;

impl HttpConnector for Table {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let action = target.rsplit('.').next().unwrap_or_default();
        let asked = request.body().bytes().unwrap_or_default();
        let asked: Value = serde_json::from_slice(asked).expect("the SDK sends JSON");
        let answer = match action {
            "GetItem" => json!({ "Item": item(&asked["Key"]) }),
            "BatchGetItem" => json!({ "Responses": { NAME: [] }, "UnprocessedKeys": {} }),
            "BatchWriteItem" => {
                let writes = asked["RequestItems"][NAME].as_array();
                let items = writes.into_iter().flatten();
                let items = items.map(|write| write["PutRequest"]["Item"].clone());
                PUT.with(|put| put.borrow_mut().extend(items));
                json!({ "UnprocessedItems": {} })
            }
            "UpdateItem" => json!({}),
            _ => {
                let error = ConnectorError::io("nothing else is answered".into());
                return HttpConnectorFuture::ready(Err(error));
            }
        };
        let status = StatusCode::try_from(200).expect("it is one");
        let body = SdkBody::from(answer.to_string());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}

/// What is stored under a key, as tests of `ringfence_ledger` spell it out.
fn item(key: &Value) -> Value {
    let mut item = match key["sk"]["S"].as_str() {
        Some("STATE") => json!({
            "rev": { "N": "1" }, "by": { "B": "AAAAAAAAAAA=" }, "lim": { "N": "3" },
            "n": { "N": "0" }, "act": { "M": {} }, "runs": { "M": {} }, "next_run": { "N": "1" },
            "pause": { "NULL": true }, "callers": { "L": [] }, "spend": { "M": {} },
        }),
        Some("CONFIG") => json!({
            "business_name": { "S": "Acme" }, "region_code": { "S": "IL" },
            "time_zone": { "S": "Asia/Jerusalem" }, "call_flow": { "S": "{}" },
            "created_at": { "N": "1731412345678" },
        }),
        Some("KEY") => {
            json!({ "hash_key": { "B": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=" } })
        }
        _ => return Value::Null,
    };
    item["v"] = json!({ "N": "1" });
    for name in ["pk", "sk"] {
        item[name] = key[name].clone();
    }
    item
}
