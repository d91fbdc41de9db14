// The version that Agent Chat UI carries.
import { useStream } from "agent-chat-sdk/react";
import { suite } from "./use-stream.js";

suite(useStream);
