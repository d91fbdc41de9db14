from tests.browser.test_chat_page import *
async def test_shots(browser, service_url):
    for name, w, h, sch in (("desk",1100,900,"light"),("dark",1100,900,"dark"),("phone",360,740,"light")):
        cx = await browser.new_context(viewport={"width":w,"height":h}, color_scheme=sch, base_url=service_url); page = await cx.new_page()
        page.on("console", lambda m: print("CONSOLE", m.text))
        await page.goto("/"); await page.locator(".customer").first.wait_for(); await page.screenshot(path=f"/tmp/page/real-{name}-0.png")
        await page.locator(".customer").first.click()
        await ask(page, "what do I owe?"); await ask(page, "is there a fee if I cancel the day before?"); await page.wait_for_timeout(300); await page.screenshot(path=f"/tmp/page/real-{name}-1.png")
        await ask(page, ORDER_FORM); await page.wait_for_timeout(300); await page.screenshot(path=f"/tmp/page/real-{name}-2.png")
        await page.get_by_role("button", name="Confirm order").click(); await next_answer(page, 3); await page.wait_for_timeout(300); await page.screenshot(path=f"/tmp/page/real-{name}-3.png")
        await ask(page, "my boxes arrived crushed"); await page.wait_for_timeout(300); await page.screenshot(path=f"/tmp/page/real-{name}-4.png")
        await cx.close()
