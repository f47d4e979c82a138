"""What template.yaml must keep: secrets that a deploy never overwrites, narrow policies, queues that lose nothing, the routes of the API's description."""

import re
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PARTNER_SECONDS = 5
LEASE_SECONDS = 20

# The admin has typed keys over these texts. CloudFormation writes a secret anew when its text in the template changes, so they never change;
# a secret that is added is added here.
SECRETS = {
    "MidtransSecret": {
        "Name": "lunas/${Stage}/midtrans",
        "SecretString": '{"serverKey":"","previousServerKey":"","clientKey":"","isSandbox":"","isActive":"","extraChannels":""}',
    },
    "XenditSecret": {
        "Name": "lunas/${Stage}/xendit",
        "SecretString": '{"apiKey":"","callbackToken":"","previousCallbackToken":"","isActive":""}',
    },
    "WhatsappSecret": {
        "Name": "lunas/${Stage}/whatsapp",
        "SecretString": '{"provider":"","url":"","headers":"","body":"","successPointer":"","successValue":""}',
    },
    "GenieacsSecret": {
        "Name": "lunas/${Stage}/genieacs",
        "SecretString": '{"url":"","username":"","password":"","bearerToken":"","headerName":"","headerValue":"","caCertificate":"","allowHttp":"","informIntervalSeconds":"","paths":""}',
    },
    "NetworkSecret": {
        "Name": "lunas/${Stage}/network",
        "SecretString": '{"webhookUrl":"","secret":"","previousSecret":"","caCertificate":""}',
    },
    "AppSecret": {
        "Name": "lunas/${Stage}/app",
        "GenerateSecretString": {"SecretStringTemplate": "{}", "GenerateStringKey": "masterKey", "PasswordLength": 64, "ExcludePunctuation": True},
    },
}


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref X` becomes {"Ref": "X"}, `!Sub x` {"Sub": "x"}."""


def short_form(loader, suffix, node):
    construct = {"scalar": loader.construct_scalar, "sequence": loader.construct_sequence, "mapping": loader.construct_mapping}[node.id]
    return {suffix: construct(node) if node.id == "scalar" else construct(node, deep=True)}


Loader.add_multi_constructor("!", short_form)

TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(), Loader)
RESOURCES = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, dict]:
    return {name: resource.get("Properties", {}) for name, resource in RESOURCES.items() if resource["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = of_type("AWS::SQS::Queue")


def statements(function: dict) -> list[dict]:
    return [statement for policy in function["Policies"] for statement in policy["Statement"]]


def timeout(function: dict) -> int:
    return function.get("Timeout", TEMPLATE["Globals"]["Function"]["Timeout"])


class Secrets(unittest.TestCase):
    def test_their_text_never_changes_and_they_outlive_the_stack(self):
        found = of_type("AWS::SecretsManager::Secret")
        self.assertEqual(set(found), set(SECRETS))
        for name, expected in SECRETS.items():
            with self.subTest(name):
                text = {key: value for key, value in found[name].items() if key != "Description"}
                text["Name"] = text["Name"]["Sub"]
                self.assertEqual(text, expected)
                self.assertEqual(RESOURCES[name]["DeletionPolicy"], "Retain")
                self.assertEqual(RESOURCES[name]["UpdateReplacePolicy"], "Retain")

    def test_no_key_reaches_an_environment_variable(self):
        for function in [TEMPLATE["Globals"]["Function"], *FUNCTIONS.values()]:
            self.assertNotRegex(str(function.get("Environment", "")), r"(?i)secretstring|resolve:secretsmanager")


class Table(unittest.TestCase):
    def test_it_outlives_the_stack_and_can_be_restored(self):
        table = RESOURCES["Table"]
        self.assertEqual((table["DeletionPolicy"], table["UpdateReplacePolicy"]), ("Retain", "Retain"))
        self.assertTrue(table["Properties"]["DeletionProtectionEnabled"])
        self.assertTrue(table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"])
        self.assertTrue(table["Properties"]["SSESpecification"]["SSEEnabled"])


class Functions(unittest.TestCase):
    def test_each_is_a_folder_of_its_own(self):
        folders = {path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml")}
        named = {re.fullmatch(r"target/lambda/([a-z0-9-]+)/", function["CodeUri"])[1] for function in FUNCTIONS.values()}
        self.assertEqual(named, folders)
        self.assertEqual(len(named), len(FUNCTIONS))

    def test_each_has_its_own_policy_of_explicit_actions_on_named_resources(self):
        for name, function in FUNCTIONS.items():
            with self.subTest(name):
                self.assertNotIn("Role", function)
                self.assertTrue(all(isinstance(policy, dict) and set(policy) <= {"Version", "Statement"} for policy in function["Policies"]))
                for statement in statements(function):
                    self.assertEqual(statement["Effect"], "Allow")
                    for action in statement["Action"]:
                        self.assertRegex(action, r"^[a-z0-9-]+:[A-Z][A-Za-z]+$")
                    # The one star allowed stands for the random end that AWS gives a secret's name.
                    named = re.sub(r"(:secret:lunas/\$\{Stage\}/[a-z]+)\*", r"\1", str(statement["Resource"]))
                    self.assertNotIn("*", named)
                    self.assertNotIn("dynamodb:Scan", statement["Action"])

    def test_time_limits_are_nested(self):
        for name, function in FUNCTIONS.items():
            # Reconcile holds no lease and works through many orders.
            longest = 61 if name == "ReconcilePayments" else LEASE_SECONDS
            with self.subTest(name):
                self.assertTrue(PARTNER_SECONDS < timeout(function) < longest)

    def test_each_has_an_alarm_on_its_errors(self):
        watched = {
            dimension["Value"]["Ref"]
            for alarm in of_type("AWS::CloudWatch::Alarm").values()
            if alarm["MetricName"] == "Errors"
            for dimension in alarm["Dimensions"]
        }
        self.assertEqual(watched, set(FUNCTIONS))


class Queues(unittest.TestCase):
    def dead_letter_queues(self) -> set[str]:
        redriven = {queue["RedrivePolicy"]["deadLetterTargetArn"]["GetAtt"].split(".")[0] for queue in QUEUES.values() if "RedrivePolicy" in queue}
        undelivered = {target["DeadLetterConfig"]["Arn"]["GetAtt"].split(".")[0] for rule in of_type("AWS::Events::Rule").values() for target in rule["Targets"]}
        return redriven | undelivered

    def test_every_queue_has_a_dead_letter_queue_after_five_tries(self):
        for name, queue in QUEUES.items():
            if name not in self.dead_letter_queues():
                with self.subTest(name):
                    self.assertEqual(queue["RedrivePolicy"]["maxReceiveCount"], 5)

    def test_every_rule_keeps_what_it_cannot_deliver(self):
        for name, rule in of_type("AWS::Events::Rule").items():
            for target in rule["Targets"]:
                with self.subTest(name):
                    self.assertIn("DeadLetterConfig", target)
                    self.assertIn(target["Arn"]["GetAtt"].split(".")[0], QUEUES, "a rule's target is a queue, so that a function's failure is retried")

    def test_every_dead_letter_queue_has_an_alarm_that_reaches_somebody(self):
        watched = {
            dimension["Value"]["GetAtt"].split(".")[0]
            for alarm in of_type("AWS::CloudWatch::Alarm").values()
            if alarm["Namespace"] == "AWS/SQS"
            for dimension in alarm["Dimensions"]
        }
        self.assertEqual(watched, self.dead_letter_queues())
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
            with self.subTest(name):
                self.assertEqual(alarm["AlarmActions"], [{"Ref": "Alarms"}])
                self.assertNotIn("Metrics", alarm, "metric mathematics fails on the local stack")

    def test_a_message_stays_hidden_for_six_function_time_limits(self):
        consumers = [
            (function, event["Properties"])
            for function in FUNCTIONS.values()
            for event in function.get("Events", {}).values()
            if event["Type"] == "SQS"
        ]
        self.assertEqual(len(consumers), len(QUEUES) - len(self.dead_letter_queues()))
        for function, event in consumers:
            queue = QUEUES[event["Queue"]["GetAtt"].split(".")[0]]
            self.assertEqual(queue["VisibilityTimeout"], 6 * timeout(function))
            self.assertEqual(event["FunctionResponseTypes"], ["ReportBatchItemFailures"])
            self.assertGreaterEqual(event["ScalingConfig"]["MaximumConcurrency"], 2)


class Api(unittest.TestCase):
    def routes(self) -> set[str]:
        return {route["RouteKey"] for route in of_type("AWS::ApiGatewayV2::Route").values()}

    def test_every_route_reaches_a_function_that_the_api_may_call(self):
        integrations = of_type("AWS::ApiGatewayV2::Integration")
        allowed = {permission["FunctionName"]["Ref"] for permission in of_type("AWS::Lambda::Permission").values()}
        for name, route in of_type("AWS::ApiGatewayV2::Route").items():
            with self.subTest(name):
                integration = integrations[re.fullmatch(r"integrations/\$\{(\w+)\}", route["Target"]["Sub"])[1]]
                self.assertIn(integration["IntegrationUri"]["GetAtt"].removesuffix(".Arn"), allowed)

    def test_the_stage_limits_requests_and_keeps_an_access_log(self):
        (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
        self.assertTrue(stage["DefaultRouteSettings"]["ThrottlingRateLimit"])
        self.assertNotIn("querystring", stage["AccessLogSettings"]["Format"].lower())

    def test_the_routes_are_those_of_the_description(self):
        description = ROOT / "infra" / "openapi.yaml"
        if not description.exists():
            self.skipTest("infra/openapi.yaml does not exist")
        methods = {"get", "post", "put", "delete", "patch"}
        paths = yaml.safe_load(description.read_text())["paths"]
        described = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations if method in methods}
        self.assertEqual({route for route in self.routes() if " /api/" in route and not route.endswith("+}")}, described)

    def test_an_address_of_a_webhook_with_a_slash_too_many_reaches_the_function_of_the_right_one(self):
        targets = {route["RouteKey"]: route["Target"] for route in of_type("AWS::ApiGatewayV2::Route").values()}
        loose = {key for key in targets if " /api/" in key and key.endswith("+}")}
        exact = {key for key in targets if " /api/webhooks/" in key} - loose
        for key in exact:
            self.assertEqual(targets[re.sub(r"\{\w+\}$", "{proxy+}", key)], targets[key])
        self.assertEqual(len(loose), len(exact))

    def test_a_public_url_that_functions_refuse_cannot_be_deployed(self):
        # The same list as in lib/cloud/src/public_url.rs.
        pattern = re.compile(TEMPLATE["Parameters"]["PublicUrl"]["AllowedPattern"])
        for good in ["", "https://bayar.example.id", "https://Bayar.Example.id:8443", "http://127.0.0.1:8080", "http://localhost:8080"]:
            self.assertTrue(pattern.search(good), good)
        for bad in ["bayar.example.id", "http://bayar.example.id", "http://127.0.0.1.example.id", "https://a.id/portal", "https://u:p@a.id", "https://a.id?x", "ftp://a.id", "https://bücher.example"]:
            self.assertFalse(pattern.search(bad), bad)

    def test_pages_and_whatever_nobody_has_come_from_the_portal_and_nothing_else_does(self):
        self.assertIn("$default", self.routes())
        for route in of_type("AWS::ApiGatewayV2::Route").values():
            key = route["RouteKey"]
            with self.subTest(key):
                self.assertEqual(" /api/" not in key, "CustomerPortal" in str(route["Target"]))


class Logs(unittest.TestCase):
    def test_every_log_group_forgets(self):
        for name, group in of_type("AWS::Logs::LogGroup").items():
            with self.subTest(name):
                self.assertIn("RetentionInDays", group)


if __name__ == "__main__":
    unittest.main()
